// BullMQ on Node with undici: `node bullmq_peer.mjs work CONCURRENCY` or `enqueue COUNT FILE`.
// A pool of as many connections as jobs at a time, jobs removed when they are done: its fastest configuration.
// Enqueueing reads the bodies, one to a line, from a file that job.py wrote.

import { readFileSync } from "node:fs";
import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import { Pool } from "undici";

const [command, amount, file] = process.argv.slice(2);
const connection = new Redis(process.env.REDIS_URL, { maxRetriesPerRequest: null });
const options = { removeOnComplete: true, removeOnFail: false };

async function enqueue() {
  const queue = new Queue("sms", { connection });
  const waiting = readFileSync(file, "utf8").trimEnd().split("\n");
  for (let i = 0; i < waiting.length; i += 1000) {
    const part = waiting.slice(i, i + 1000);
    await queue.addBulk(part.map((body) => ({ name: "send", data: { body }, opts: options })));
  }
  await queue.close();
  await connection.quit();
}

function work() {
  const concurrency = Number(amount);
  const gateway = new URL(process.env.GATEWAY_URL);
  const pool = new Pool(gateway.origin, { connections: concurrency, pipelining: 1 });
  const path = `${gateway.pathname}/sms-campaign/send`;
  const headers = JSON.parse(process.env.GATEWAY_HEADERS);
  new Worker(
    "sms",
    async (job) => {
      const { statusCode, body } = await pool.request({ path, method: "POST", headers, body: job.data.body });
      const answer = await body.json();
      if (statusCode !== 201 || !answer.sms_ticket) throw new Error(`the gateway answered ${statusCode}`);
    },
    { connection, concurrency },
  );
}

await (command === "work" ? work() : enqueue());
