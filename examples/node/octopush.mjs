// A client of octopush-worker's HTTP API, and the check of its webhooks. Node 18 or newer; nothing to install.
import { createHmac, timingSafeEqual } from "node:crypto";

const LONGEST_RETRY_AFTER_S = 60;
const TOLERANCE_S = 300;

/** What the API refused, or what got lost: `status` is 0 then, and the message may or may not be queued. */
export class OctopushError extends Error {
  /**
   * @param {number} status of the answer
   * @param {{code: string, title?: string, detail?: string, errors?: object[]}} problem its body
   * @param {{callId?: string | null, retryAfterS?: number, cause?: Error}} more `retryAfterS`: seconds that the
   *   answer asks to wait before a repeat
   */
  constructor(status, problem, { callId = null, retryAfterS, cause } = {}) {
    super(`${status} ${problem.code}: ${problem.detail ?? problem.title ?? ""}`, { cause });
    this.name = "OctopushError";
    this.status = status;
    this.code = problem.code;
    this.errors = problem.errors ?? [];
    this.callId = callId;
    this.retryAfterS = retryAfterS;
  }

  /** Whether the same call, with the same id, may succeed later: it belongs into a queue of your own. */
  mayRepeat() {
    return [0, 408, 429].includes(this.status) || this.status >= 500;
  }
}

export class Octopush {
  /**
   * @param {string} url where the API is, such as http://127.0.0.1:8002
   * @param {string} token of this application
   * @param {{tries?: number, timeoutS?: number}} options `tries`: calls in all, of which each repeats the one before;
   *   `timeoutS`: seconds that one try lasts at most, beside those that it is told to wait. A page that a person
   *   waits for writes a row of a queue of yours and sends nothing; what it asks, it asks with 2 tries of 3 s
   */
  constructor(url, token, { tries = 4, timeoutS = 10 } = {}) {
    this.url = url.replace(/\/+$/, "");
    this.token = token;
    this.tries = tries;
    this.timeoutS = timeoutS;
  }

  /** Queue a message. With `waitS` (0 to 25) the answer comes when it has ended, or the time is up. */
  send(message, waitS = 0) {
    if (!message.request_id) throw new TypeError("choose the request_id before the first try");
    return this.call("POST", "/v1/messages", { query: { wait_s: waitS }, body: message });
  }

  /** Ask what is known of a message. */
  status(requestId, waitS = 0) {
    return this.call("GET", `/v1/messages/${encodeURIComponent(requestId)}`, { query: { wait_s: waitS } });
  }

  /** Cancel a message that has not left. */
  cancel(requestId) {
    return this.call("DELETE", `/v1/messages/${encodeURIComponent(requestId)}`);
  }

  /**
   * Take entries of a stream for one consumer of a group. `held: 1` hands out first what it holds already. `max`: 1 to 100, no
   * more than it handles in 60 s: after that they are handed to others, too. `start`: where a new group begins, "0" at
   * all that is there, "$" behind it.
   */
  async events(stream, group, consumer, { waitS = 20, held = 0, max = 10, start = "0" } = {}) {
    const query = { stream, group, consumer, max, start, held, wait_s: waitS };
    return (await this.call("GET", "/v1/events", { query })).entries;
  }

  /** Acknowledge entries that were handled: they are not handed out again. */
  acknowledge(stream, group, entryIds) {
    return this.call("POST", "/v1/events/ack", { body: { stream, group, entry_ids: entryIds } });
  }

  /**
   * Read a stream by cursor: `after` is "$" for what comes from now on, then `next_after` of the answer before.
   * No `entries` beside `more: true` does not say that none came: 1,000 were looked at, ask again from `next_after`.
   * `only`: request_id or campaign_id, for what belongs to one of them.
   */
  log(stream, after, { only = {}, waitS = 0 } = {}) {
    return this.call("GET", "/v1/events/log", { query: { stream, after, wait_s: waitS, ...only } });
  }

  /**
   * Make any call of docs/http-api.md, such as `call("GET", "/v1/status")`; repeats are made as above. For as long as
   * `wait_s` in `query` says, an answer is waited for. Returns its body; `{}` if it has none.
   */
  async call(method, path, { query = {}, body } = {}) {
    const waitS = Number(query.wait_s ?? 0);
    // If an answer with entries got lost, this consumer holds what was in it.
    const again = "held" in query ? { ...query, held: 1 } : query;
    const request = {
      method,
      headers: { Authorization: `Bearer ${this.token}`, "Content-Type": "application/json" },
      body: body && JSON.stringify(body),
      redirect: "manual",
    };
    for (let n = 0; ; n++) {
      const signal = AbortSignal.timeout((this.timeoutS + waitS) * 1000);
      const url = `${this.url}${path}?${new URLSearchParams(n === 0 ? query : again)}`;
      const { answer, error } = await once(url, { ...request, signal });
      if (!error) return answer;
      if (!error.mayRepeat() || n + 1 >= this.tries || error.retryAfterS > LONGEST_RETRY_AFTER_S) throw error;
      const pauseS = error.retryAfterS ?? Math.random() * Math.min(5, 0.2 * 2 ** n);
      await new Promise((resolve) => setTimeout(resolve, pauseS * 1000));
    }
  }
}

/** Make one call. */
async function once(url, request) {
  let response, text;
  try {
    response = await fetch(url, request);
    text = await response.text();
  } catch (cause) {
    return { error: new OctopushError(0, { code: "lost", title: "no answer" }, { cause }) };
  }
  let answer = null;
  try {
    answer = JSON.parse(text);
  } catch {
    // A proxy answers in HTML.
  }
  // 204 says that there is no body.
  if (response.status === 204) return { answer: {} };
  if (response.ok && answer !== null) return { answer };
  const problem = typeof answer?.code === "string" ? answer : { code: "no-json", title: "not an answer of the API" };
  // An answer that is cut short is as good as lost. A redirect is a wrong address.
  const status = response.ok ? 0 : response.status;
  const retryAfter = response.headers.get("retry-after");
  const retryAfterS = /^\d+$/.test(retryAfter ?? "") ? Number(retryAfter) : undefined;
  return { error: new OctopushError(status, problem, { callId: response.headers.get("x-call-id"), retryAfterS }) };
}

/**
 * Check that a webhook is from your forwarder, and read it: `{id, type, timestamp, data}`; null if it is forged, or
 * no webhook.
 *
 * @param {Buffer} body as it came, byte by byte
 * @param {Record<string, string>} headers by their names in small letters
 * @param {string | string[]} secrets what `octopush-worker forward secret NAME` prints: several have commas or lines
 *   between
 */
export function verifyWebhook(body, headers, secrets, nowS = Date.now() / 1000) {
  const { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures } = headers;
  if (!id || !signatures || !/^\d+$/.test(timestamp ?? "")) return null;
  if (Math.abs(nowS - Number(timestamp)) > TOLERANCE_S) return null;
  const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
  const each = typeof secrets === "string" ? secrets.split(/[\s,]+/).filter(Boolean) : secrets;
  const fits = each.some((secret) => {
    const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
    const expected = Buffer.from("v1," + createHmac("sha256", key).update(signed).digest("base64"));
    return signatures.split(" ").some((signature) => {
      const given = Buffer.from(signature);
      return given.length === expected.length && timingSafeEqual(given, expected);
    });
  });
  if (!fits) return null;
  try {
    const webhook = JSON.parse(body.toString("utf8"));
    return typeof webhook?.type === "string" ? { id, ...webhook } : null;
  } catch {
    return null;
  }
}
