// Send an SMS, and wait until its handset has it: `accepted` only says that the gateway has it.
//
//   OCTOPUSH_URL=http://127.0.0.1:8002 OCTOPUSH_TOKEN=… node deliver.mjs 42 +33612345678
import { Octopush, OctopushError } from "./octopush.mjs";

const [order, number] = process.argv.slice(2);
const octopush = new Octopush(process.env.OCTOPUSH_URL, process.env.OCTOPUSH_TOKEN);
const request_id = `order-${order}-shipped`;

try {
  // Before the message is there, so that its receipt comes behind this place. From "0" all that is there would be read.
  let { next_after: after } = await octopush.log("receipts", "$");
  const message = { request_id, recipients: [number], text: "It is on its way.", sender: "Bistro", purpose: "alert" };
  const sent = await octopush.send(message, 20);
  console.log(sent.state);
  let final = sent.ended && sent.state !== "accepted";
  // A receipt may come after days, or never: wait for as long as you want to know.
  for (let n = 0; !final && n < 30;) {
    const found = await octopush.log("receipts", after, { only: { request_id }, waitS: 20 });
    for (const { event } of found.entries) {
      console.log(`${event.number} ${event.state}`);
      final ||= event.final;
    }
    after = found.next_after;
    // With more to look at it answers at once: that was no wait.
    n += found.more ? 0 : 1;
  }
} catch (error) {
  if (!(error instanceof OctopushError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
