<?php

declare(strict_types=1);

/**
 * SMS that belong to a transaction of your database: a table of it, and the step that hands rows over.
 *
 * A row is written by the transaction of what the SMS tells of, so there is an SMS exactly if that is there. It is
 * deleted once the API has the message. Until then each try sends the same bytes with the same id, and all of them
 * together send one SMS. What the API refuses stays, with the reason, for a person. Copy this file.
 */
final class Outbox
{
    private const LONGEST_PAUSE_S = 60;

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
            ->execute([$message['request_id'], json_encode($message, JSON_THROW_ON_ERROR), time()]);
    }

    /**
     * Hand over all that is due, and say of each what became of it: [request_id, word].
     *
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
                $octopush->send(json_decode($message, true, 64, JSON_THROW_ON_ERROR));
                $this->change('DELETE FROM sms_outbox WHERE request_id = ?', $requestId);
                yield [$requestId, 'queued'];
            } catch (OctopushException $error) {
                $this->put($requestId, (int) $tries, $error);
                yield [$requestId, ($error->mayRepeat() ? 'waits: ' : 'refused: ') . $error->getMessage()];
            }
        }
    }

    /** Let a row come again later, or leave it to a person. */
    private function put(string $requestId, int $tries, OctopushException $error): void
    {
        if (!$error->mayRepeat()) {
            // Mend the row, or what is wrong with the token, then set problem to NULL.
            $this->change('UPDATE sms_outbox SET problem = ? WHERE request_id = ?', $error->getMessage(), $requestId);
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
