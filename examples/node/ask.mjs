// Ask a guest whether he comes, wait until the gateway has the question, and read his answer.
//
//   OCTOPUSH_URL=http://127.0.0.1:8002 OCTOPUSH_TOKEN=… node ask.mjs 42 +33612345678
import { hostname } from "node:os";
import { Octopush, OctopushError } from "./octopush.mjs";

const [booking, number] = process.argv.slice(2);
const octopush = new Octopush(process.env.OCTOPUSH_URL, process.env.OCTOPUSH_TOKEN);

const question = {
  // From the business fact, before the first try: whoever repeats the call, or this program, sends one SMS.
  request_id: `booking-${booking}`,
  recipients: [number],
  text: `Table ${booking} is yours. Do you come?`,
  sender: "Bistro",
  purpose: "alert",
  with_replies: true,
  context: { booking },
};

try {
  const sent = await octopush.send(question, 20);
  console.log(`${sent.request_id} ${sent.state}`);
  let answered = sent.ended && sent.state !== "accepted";
  // A process takes up what it held when it ended: so the consumer's name stays the same over restarts.
  let held = 1;
  while (!answered) {
    for (const entry of await octopush.events("replies", "bookings-node", hostname(), { held })) {
      const { request_id, context, text } = entry.event;
      // An entry may come twice. Store event_id with what the reply leads to, in one transaction.
      console.log(`${request_id} answered by ${context?.booking ?? "somebody"}: ${text}`);
      await octopush.acknowledge("replies", "bookings-node", [entry.entry_id]);
      answered ||= request_id === question.request_id;
    }
    held = 0;
  }
} catch (error) {
  if (!(error instanceof OctopushError)) throw error;
  console.error(error.message);
  for (const each of error.errors) console.error(`  ${each.pointer ?? each.parameter ?? each.header}: ${each.detail}`);
  process.exitCode = 1;
}
