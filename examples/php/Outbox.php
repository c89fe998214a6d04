<?php

declare(strict_types=1);

/**
 * SMS that belong to a transaction of your database: a table of it, and the step that hands rows over.
 *
 * A row is written by the transaction of what the SMS tells of, so there is an SMS exactly if that is there. It is
 * deleted once the API has the message. Until then each try sends the same bytes with the same id, and all of them
 * together send one SMS. What the API refuses stays, with the reason, for a person. Copy this file; it needs Octopush.php.
 */
final class Outbox
{
    private const LONGEST_PAUSE_S = 60;
    /** What the API says of a message, and of no other. */
    private const OF_ONE_MESSAGE = ['malformed-json', 'request-id-conflict', 'body-too-large', 'invalid'];
    /** What it says of the token: until that is mended, every call is refused. */
    private const OF_THE_TOKEN = ['unauthenticated', 'scope-missing'];

    /** @param PDO $database yours; with other databases than SQLite, change what createTable says */
    public function __construct(private readonly PDO $database)
    {
        $this->database->setAttribute(PDO::ATTR_ERRMODE, PDO::ERRMODE_EXCEPTION);
    }

    /** Make the table unless it is there. It holds numbers and texts. */
    public function createTable(): void
    {
        $this->database->exec('CREATE TABLE IF NOT EXISTS sms_outbox (
            request_id VARCHAR(36) PRIMARY KEY, message TEXT NOT NULL, due_at INTEGER NOT NULL,
            tries INTEGER NOT NULL DEFAULT 0, problem TEXT)');
    }

    /** Write a message, as Octopush::send takes it, in the transaction that is open. */
    public function add(array $message): void
    {
        if (!$this->database->inTransaction()) {
            throw new LogicException('open the transaction of what the SMS tells of');
        }
        $this->database->prepare('INSERT INTO sms_outbox (request_id, message, due_at) VALUES (?, ?, ?)')
            ->execute([$message['request_id'], Octopush::written($message), time()]);
    }

    /**
     * Hand over all that is due, and say of each what became of it: [request_id, word].
     *
     * The round ends early, with a word that begins with "waits", where the next row would fare no better: nobody
     * answers, the token is wrong, the rate is used up. The row comes again later, behind others.
     * Two processes that do so at a time do no harm: the second one is answered what the first one was.
     *
     * @return iterable<array{string, string}>
     */
    public function handOver(Octopush $octopush): iterable
    {
        $due = $this->database->prepare('SELECT request_id, message, tries FROM sms_outbox
            WHERE problem IS NULL AND due_at <= ? ORDER BY due_at LIMIT 100');
        $due->execute([time()]);
        foreach ($due->fetchAll(PDO::FETCH_NUM) as [$requestId, $message, $tries]) {
            try {
                $octopush->send($message);
                $this->change('DELETE FROM sms_outbox WHERE request_id = ?', $requestId);
                yield [$requestId, 'queued'];
            } catch (OctopushException $error) {
                if (in_array($error->problemCode, self::OF_ONE_MESSAGE, true)) {
                    // Mend the row, then set problem to NULL.
                    $this->change('UPDATE sms_outbox SET problem = ? WHERE request_id = ?', $error->getMessage(), $requestId);
                    yield [$requestId, 'refused: ' . $error->getMessage()];
                    continue;
                }
                $this->postpone($requestId, (int) $tries, $error);
                yield [$requestId, 'waits: ' . $error->getMessage()];
                return;
            }
        }
    }

    /** Let a row come again later, but for what is wrong with the token: then all of them are due when it is mended. */
    private function postpone(string $requestId, int $tries, OctopushException $error): void
    {
        if (in_array($error->problemCode, self::OF_THE_TOKEN, true)) {
            return;
        }
        $pauseS = $error->retryAfterS ?? min(self::LONGEST_PAUSE_S, 2 ** min($tries, 6));
        $sql = 'UPDATE sms_outbox SET due_at = ?, tries = tries + 1 WHERE request_id = ?';
        $this->change($sql, time() + $pauseS, $requestId);
    }

    private function change(string $sql, int|string ...$values): void
    {
        $this->database->prepare($sql)->execute($values);
    }
}
