<?php

// What examples/symfony uses of Symfony 6.4, without the framework: the same names, arguments and results.

namespace Symfony\Contracts\EventDispatcher {
    interface EventDispatcherInterface
    {
    }
}

namespace Symfony\Contracts\HttpClient\Exception {
    interface ExceptionInterface extends \Throwable
    {
    }
}

namespace Symfony\Contracts\HttpClient {
    interface ResponseInterface
    {
        public function getStatusCode(): int;

        public function toArray(bool $throw = true): array;
    }

    interface HttpClientInterface
    {
        public function request(string $method, string $url, array $options = []): ResponseInterface;
    }
}

namespace Symfony\Component\Notifier\Exception {
    class LogicException extends \LogicException
    {
    }

    class UnsupportedMessageTypeException extends LogicException
    {
    }

    class UnsupportedSchemeException extends LogicException
    {
        public function __construct(object $dsn, ?string $name = null, array $supported = [])
        {
            parent::__construct("{$dsn->getScheme()} is none of " . implode(', ', $supported));
        }
    }

    class TransportException extends \RuntimeException
    {
        public function __construct(
            string $message,
            public readonly \Symfony\Contracts\HttpClient\ResponseInterface $response,
            int $code = 0,
            ?\Throwable $previous = null,
        ) {
            parent::__construct($message, $code, $previous);
        }
    }
}

namespace Symfony\Component\Notifier\Message {
    interface MessageOptionsInterface
    {
        public function toArray(): array;

        public function getRecipientId(): ?string;
    }

    interface MessageInterface
    {
        public function getOptions(): ?MessageOptionsInterface;
    }

    class SmsMessage implements MessageInterface
    {
        private ?MessageOptionsInterface $options = null;

        public function __construct(private string $phone, private string $subject, private string $from = '')
        {
        }

        public function getPhone(): string
        {
            return $this->phone;
        }

        public function getSubject(): string
        {
            return $this->subject;
        }

        public function getFrom(): string
        {
            return $this->from;
        }

        public function options(MessageOptionsInterface $options): static
        {
            $this->options = $options;

            return $this;
        }

        public function getOptions(): ?MessageOptionsInterface
        {
            return $this->options;
        }
    }

    class SentMessage
    {
        private ?string $messageId = null;

        public function __construct(private MessageInterface $original, private string $transport)
        {
        }

        public function setMessageId(string $id): void
        {
            $this->messageId = $id;
        }

        public function getMessageId(): ?string
        {
            return $this->messageId;
        }

        public function getTransport(): string
        {
            return $this->transport;
        }
    }
}

namespace Symfony\Component\Notifier\Transport {
    use Symfony\Component\Notifier\Message\MessageInterface;
    use Symfony\Component\Notifier\Message\SentMessage;
    use Symfony\Contracts\EventDispatcher\EventDispatcherInterface;
    use Symfony\Contracts\HttpClient\HttpClientInterface;

    class Dsn
    {
        private array $parts;

        public function __construct(string $dsn)
        {
            $this->parts = parse_url($dsn);
        }

        public function getScheme(): string
        {
            return $this->parts['scheme'];
        }

        public function getHost(): string
        {
            return $this->parts['host'];
        }

        public function getPort(): ?int
        {
            return $this->parts['port'] ?? null;
        }

        public function getUser(): ?string
        {
            return $this->parts['user'] ?? null;
        }

        public function getRequiredOption(string $key): mixed
        {
            parse_str($this->parts['query'], $options);

            return $options[$key];
        }
    }

    abstract class AbstractTransport
    {
        protected const HOST = 'localhost';
        protected ?string $host = null;
        protected ?int $port = null;

        public function __construct(
            protected ?HttpClientInterface $client = null,
            private ?EventDispatcherInterface $dispatcher = null,
        ) {
        }

        public function setHost(?string $host): static
        {
            $this->host = $host;

            return $this;
        }

        public function setPort(?int $port): static
        {
            $this->port = $port;

            return $this;
        }

        public function send(MessageInterface $message): SentMessage
        {
            return $this->doSend($message);
        }

        abstract public function supports(MessageInterface $message): bool;

        abstract protected function doSend(MessageInterface $message): SentMessage;

        protected function getEndpoint(): string
        {
            return ($this->host ?: static::HOST) . ($this->port ? ':' . $this->port : '');
        }
    }

    abstract class AbstractTransportFactory
    {
        public function __construct(
            protected ?EventDispatcherInterface $dispatcher = null,
            protected ?HttpClientInterface $client = null,
        ) {
        }

        public function supports(Dsn $dsn): bool
        {
            return \in_array($dsn->getScheme(), $this->getSupportedSchemes(), true);
        }

        abstract protected function getSupportedSchemes(): array;

        protected function getUser(Dsn $dsn): string
        {
            return $dsn->getUser() ?? throw new \LogicException('User is not set.');
        }
    }
}
