<?php

declare(strict_types=1);

/** What the API refused, or what got lost: status is 0 then, and the message may or may not be queued. */
final class OctopushException extends RuntimeException
{
    /**
     * @param list<array<string, string>> $errors      each place that is wrong: pointer, parameter or header, and detail
     * @param ?int                        $retryAfterS seconds that the answer asks to wait before a repeat
     */
    public function __construct(
        public readonly int $status,
        public readonly string $problemCode,
        public readonly array $errors = [],
        public readonly ?string $callId = null,
        string $detail = '',
        public readonly ?int $retryAfterS = null,
    ) {
        parent::__construct(trim("$status $problemCode: $detail"), $status);
    }

    /** Whether the same call, with the same id, may succeed later: it belongs into a queue of your own. */
    public function mayRepeat(): bool
    {
        return in_array($this->status, [0, 408, 429], true) || $this->status >= 500;
    }
}

/** A client of octopush-worker's HTTP API, and the check of its webhooks. PHP 8.1 with curl; copy this file. */
final class Octopush
{
    private const LONGEST_RETRY_AFTER_S = 60;
    private const TOLERANCE_S = 300;

    /**
     * Make no call in a page that a person waits for: write a row of Outbox.php there, and let a loop send it.
     *
     * @param int $tries    calls in all, of which each repeats the one before
     * @param int $timeoutS seconds that one try lasts at most, beside those that it is told to wait
     */
    public function __construct(
        private readonly string $url,
        private readonly string $token,
        private readonly int $tries = 4,
        private readonly int $timeoutS = 10,
    ) {
    }

    /**
     * Queue a message, given by its members or as `written` returned it. With $waitS (0 to 25) the answer comes when
     * it has ended, or the time is up.
     */
    public function send(array|string $message, int $waitS = 0): array
    {
        $bytes = is_string($message) ? $message : self::written($message);
        return $this->call('POST', '/v1/messages', ['wait_s' => $waitS], $bytes);
    }

    /** Write a message as it is sent. Whoever keeps it keeps this: read and written again, {} would become []. */
    public static function written(array $message): string
    {
        if (($message['request_id'] ?? '') === '') {
            throw new InvalidArgumentException('choose the request_id before the first try');
        }
        // A list with gaps, as array_filter leaves it, would become a JSON object.
        $message['recipients'] = array_values((array) ($message['recipients'] ?? []));
        return json_encode($message, JSON_THROW_ON_ERROR);
    }

    /** Ask what is known of a message. */
    public function status(string $requestId, int $waitS = 0): array
    {
        return $this->call('GET', '/v1/messages/' . rawurlencode($requestId), ['wait_s' => $waitS]);
    }

    /** Cancel a message that has not left. */
    public function cancel(string $requestId): array
    {
        return $this->call('DELETE', '/v1/messages/' . rawurlencode($requestId));
    }

    /**
     * Take entries of a stream for one consumer of a group.
     *
     * @param bool   $held  hands out first what the consumer holds already
     * @param int    $max   1 to 100, no more than it handles in 60 s: after that they are handed to others, too
     * @param string $start where a new group begins: '0' at all that is there, '$' behind it
     */
    public function events(
        string $stream,
        string $group,
        string $consumer,
        int $waitS = 20,
        bool $held = false,
        int $max = 10,
        string $start = '0',
    ): array {
        $query = ['stream' => $stream, 'group' => $group, 'consumer' => $consumer, 'max' => $max, 'start' => $start];
        $query += ['wait_s' => $waitS, 'held' => (int) $held];
        return $this->call('GET', '/v1/events', $query)['entries'];
    }

    /** Acknowledge entries that were handled: they are not handed out again. */
    public function acknowledge(string $stream, string $group, array $entryIds): array
    {
        $body = ['stream' => $stream, 'group' => $group, 'entry_ids' => array_values($entryIds)];
        return $this->call('POST', '/v1/events/ack', [], $body);
    }

    /**
     * Read a stream by cursor: `after` is '$' for what comes from now on, then `next_after` of the answer before.
     * No `entries` beside `more: true` does not say that none came: 1,000 were looked at, ask again from `next_after`.
     *
     * @param array<string, string> $only request_id or campaign_id, for what belongs to one of them
     */
    public function log(string $stream, string $after, array $only = [], int $waitS = 0): array
    {
        return $this->call('GET', '/v1/events/log', ['stream' => $stream, 'after' => $after, 'wait_s' => $waitS] + $only);
    }

    /**
     * Check a webhook, and read it; null if it is forged, or no webhook.
     *
     * @param string                $body    as it came
     * @param array<string, string> $headers by their names in small letters
     * @param list<string>|string   $secrets as `forward secret` prints them: several have commas or lines between
     */
    public static function verifyWebhook(string $body, array $headers, array|string $secrets, ?int $now = null): ?array
    {
        $secrets = is_string($secrets) ? preg_split('/[\s,]+/', $secrets, -1, PREG_SPLIT_NO_EMPTY) : $secrets;
        $id = $headers['webhook-id'] ?? '';
        $timestamp = $headers['webhook-timestamp'] ?? '';
        if ($id === '' || !ctype_digit($timestamp) || abs(($now ?? time()) - (int) $timestamp) > self::TOLERANCE_S) {
            return null;
        }
        foreach ($secrets as $secret) {
            $key = base64_decode(preg_replace('/^whsec_/', '', $secret), true);
            $expected = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", (string) $key, true));
            foreach (explode(' ', $headers['webhook-signature'] ?? '') as $given) {
                if ($key && hash_equals($expected, $given)) {
                    $webhook = json_decode($body, true, 64);
                    return is_string($webhook['type'] ?? null) ? ['id' => $id] + $webhook : null;
                }
            }
        }
        return null;
    }

    /**
     * Make any call of docs/http-api.md, such as ``call('GET', '/v1/status')``; repeats are made as above.
     *
     * @param array             $query parameters; for as long as its `wait_s` says, an answer is waited for
     * @param array|string|null $body  as members, or as JSON
     *
     * @return array the body of the answer; empty if it has none
     */
    public function call(string $method, string $path, array $query = [], array|string|null $body = null): array
    {
        $bytes = is_array($body) ? json_encode($body, JSON_THROW_ON_ERROR) : $body;
        $waitS = (int) ($query['wait_s'] ?? 0);
        for ($n = 0;; $n++) {
            try {
                return $this->once($method, "$path?" . http_build_query($query), $bytes, $waitS);
            } catch (OctopushException $error) {
                $tooLong = $error->retryAfterS > self::LONGEST_RETRY_AFTER_S;
                if ($n + 1 >= $this->tries || $tooLong || !$error->mayRepeat()) {
                    throw $error;
                }
            }
            // If an answer with entries got lost, this consumer holds what was in it.
            $query = isset($query['held']) ? ['held' => 1] + $query : $query;
            $pauseS = $error->retryAfterS;
            usleep($pauseS !== null ? $pauseS * 1_000_000 : random_int(0, min(5_000_000, 200_000 << $n)));
        }
    }

    /** Make one call. */
    private function once(string $method, string $target, ?string $bytes, int $waitS): array
    {
        $headers = [];
        $handle = curl_init(rtrim($this->url, '/') . $target);
        curl_setopt_array($handle, ($bytes === null ? [] : [CURLOPT_POSTFIELDS => $bytes]) + [
            CURLOPT_CUSTOMREQUEST => $method,
            CURLOPT_HTTPHEADER => ["Authorization: Bearer $this->token", 'Content-Type: application/json', 'Expect:'],
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_FOLLOWLOCATION => false,
            CURLOPT_CONNECTTIMEOUT => 2,
            CURLOPT_TIMEOUT => $this->timeoutS + $waitS,
            CURLOPT_HEADERFUNCTION => function ($_, string $line) use (&$headers): int {
                [$name, $value] = explode(':', $line, 2) + [1 => ''];
                $headers[strtolower($name)] = trim($value);
                return strlen($line);
            },
        ]);
        $text = curl_exec($handle);
        $status = curl_getinfo($handle, CURLINFO_RESPONSE_CODE);
        $answer = is_string($text) ? json_decode($text, true, 64) : null;
        // 204 says that there is no body.
        if ($text !== false && ($status === 204 || ($status >= 200 && $status < 300 && is_array($answer)))) {
            return $answer ?? [];
        }
        // No answer, or one that was cut short, is lost; a proxy answers in HTML; a redirect is a wrong address.
        $lost = $text === false || $status < 300;
        $other = ['code' => $lost ? 'lost' : 'no-json', 'title' => $lost ? curl_error($handle) ?: 'no answer' : 'not an answer of the API'];
        $problem = is_string($answer['code'] ?? null) ? $answer : $other;
        $detail = $problem['detail'] ?? $problem['title'] ?? '';
        $retryAfterS = ctype_digit($headers['retry-after'] ?? '') ? (int) $headers['retry-after'] : null;
        [$errors, $callId] = [$problem['errors'] ?? [], $headers['x-call-id'] ?? null];
        throw new OctopushException($lost ? 0 : $status, $problem['code'], $errors, $callId, $detail, $retryAfterS);
    }
}
