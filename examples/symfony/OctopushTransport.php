<?php

declare(strict_types=1);

namespace App\Sms;

use Symfony\Component\Notifier\Exception\LogicException;
use Symfony\Component\Notifier\Exception\TransportException;
use Symfony\Component\Notifier\Exception\UnsupportedMessageTypeException;
use Symfony\Component\Notifier\Message\MessageInterface;
use Symfony\Component\Notifier\Message\SentMessage;
use Symfony\Component\Notifier\Message\SmsMessage;
use Symfony\Component\Notifier\Transport\AbstractTransport;
use Symfony\Contracts\EventDispatcher\EventDispatcherInterface;
use Symfony\Contracts\HttpClient\Exception\ExceptionInterface;
use Symfony\Contracts\HttpClient\HttpClientInterface;

/** Queues SMS in octopush-worker. One call, no retry: Messenger retries, with the id in the options. */
final class OctopushTransport extends AbstractTransport
{
    public function __construct(
        private readonly string $scheme,
        #[\SensitiveParameter] private readonly string $token,
        private readonly string $from,
        ?HttpClientInterface $client = null,
        ?EventDispatcherInterface $dispatcher = null,
    ) {
        parent::__construct($client, $dispatcher);
    }

    public function __toString(): string
    {
        return sprintf('%s://%s?from=%s', $this->scheme, $this->getEndpoint(), $this->from);
    }

    public function supports(MessageInterface $message): bool
    {
        return $message instanceof SmsMessage && ($message->getOptions() ?? new OctopushOptions()) instanceof OctopushOptions;
    }

    protected function doSend(MessageInterface $message): SentMessage
    {
        if (!$message instanceof SmsMessage) {
            throw new UnsupportedMessageTypeException(self::class, SmsMessage::class, $message);
        }
        if (!$message->getOptions() instanceof OctopushOptions) {
            // An id that was made here would be another one in each retry.
            throw new LogicException('Give the SMS its OctopushOptions: they hold its id.');
        }
        $url = ('octopush-worker+http' === $this->scheme ? 'http://' : 'https://') . $this->getEndpoint() . '/v1/messages';
        $response = $this->client->request('POST', $url, [
            'auth_bearer' => $this->token,
            'json' => $message->getOptions()->toArray() + [
                'recipients' => [$message->getPhone()],
                'text' => $message->getSubject(),
                'sender' => $message->getFrom() ?: $this->from,
            ],
            'timeout' => 10,
            'max_redirects' => 0,
        ]);
        try {
            $status = $response->getStatusCode();
            $answer = $response->toArray(false);
        } catch (ExceptionInterface $error) {
            throw new TransportException('No answer of octopush-worker.', $response, 0, $error);
        }
        if (!\in_array($status, [200, 201], true)) {
            $places = array_map(
                fn (array $each): string => ($each['pointer'] ?? $each['parameter'] ?? $each['header']) . ': ' . $each['detail'],
                $answer['errors'] ?? [],
            );
            throw new TransportException(trim("$status {$answer['code']}: " . implode('; ', $places), ': '), $response);
        }
        $sent = new SentMessage($message, (string) $this);
        $sent->setMessageId($answer['request_id']);

        return $sent;
    }
}
