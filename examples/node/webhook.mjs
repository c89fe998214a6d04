// Take webhooks: what is signed is kept in an inbox, once; what is not is refused.
//
//   SMS_WEBHOOK_SECRET=$(octopush-worker forward secret shop) INBOX=inbox PORT=9000 node webhook.mjs
import { createHash } from "node:crypto";
import { linkSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { verifyWebhook } from "./octopush.mjs";

const MAX_BYTES = 64 * 1024;
const inbox = process.env.INBOX ?? "inbox";
const secrets = process.env.SMS_WEBHOOK_SECRET;
if (!secrets) throw new Error("SMS_WEBHOOK_SECRET is missing");
mkdirSync(inbox, { recursive: true });

/** Keep a webhook under its id, whole or not at all; false if it is there. A table with a unique id does this, too. */
function keep(webhook) {
  const name = join(inbox, createHash("sha256").update(webhook.id).digest("hex"));
  const draft = `${name}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(webhook));
  try {
    linkSync(draft, `${name}.json`);
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
    return false;
  } finally {
    rmSync(draft);
  }
}

async function take(request, response) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes <= MAX_BYTES) chunks.push(chunk);
  }
  const webhook = bytes <= MAX_BYTES && verifyWebhook(Buffer.concat(chunks), request.headers, secrets);
  if (!webhook) return response.writeHead(400).end();
  const isNew = keep(webhook);
  // The answer goes out once the webhook is kept, and before anything is done about it.
  response.writeHead(204).end();
  if (isNew) console.log(`${webhook.type} ${webhook.data.text ?? ""}`);
}

const server = createServer((request, response) => {
  // After a 500 the forwarder tries again. A caller who has hung up needs no answer.
  take(request, response).catch((error) => {
    console.error(error.message);
    response.writeHead(500).end();
  });
});
server.listen(Number(process.env.PORT ?? 9000), "127.0.0.1", () => console.log("listening"));
