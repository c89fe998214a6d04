<?php

declare(strict_types=1);

namespace App\Sms;

use Symfony\Component\Notifier\Message\MessageOptionsInterface;

/**
 * What a message needs beside its text and its number: first of all its id.
 *
 * Messenger serialises the options with the message. So each retry sends the id that was minted here, and the
 * message is sent once, also if an answer got lost.
 */
final class OctopushOptions implements MessageOptionsInterface
{
    private readonly string $requestId;

    /**
     * @param string               $requestId from the business fact, such as order-42-shipped; minted if it is empty
     * @param array<string, mixed> $members   further members of a message: purpose, with_replies, context, ttl_s …
     */
    public function __construct(string $requestId = '', private readonly array $members = [])
    {
        $this->requestId = $requestId !== '' ? $requestId : bin2hex(random_bytes(16));
    }

    public function toArray(): array
    {
        return ['request_id' => $this->requestId] + $this->members;
    }

    public function getRecipientId(): ?string
    {
        return null;
    }
}
