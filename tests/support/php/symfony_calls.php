<?php

// Send SMS through examples/symfony, as Messenger does: DSN EXAMPLE_DIR NUMBER. Prints what came of it as JSON.

declare(strict_types=1);

use App\Sms\OctopushOptions;
use App\Sms\OctopushTransportFactory;
use Symfony\Component\Notifier\Message\SmsMessage;
use Symfony\Component\Notifier\Transport\Dsn;
use Symfony\Contracts\HttpClient\Exception\ExceptionInterface;
use Symfony\Contracts\HttpClient\HttpClientInterface;
use Symfony\Contracts\HttpClient\ResponseInterface;

[, $dsn, $example, $number] = $argv;

require __DIR__ . '/symfony_stubs.php';
foreach (['OctopushOptions', 'OctopushTransport', 'OctopushTransportFactory'] as $class) {
    require "$example/$class.php";
}

final class Lost extends RuntimeException implements ExceptionInterface
{
}

/** Calls as Symfony's client does: an answer is waited for when somebody asks about it. */
final class CurlClient implements HttpClientInterface
{
    public function request(string $method, string $url, array $options = []): ResponseInterface
    {
        $handle = curl_init($url);
        curl_setopt_array($handle, [
            CURLOPT_CUSTOMREQUEST => $method,
            CURLOPT_POSTFIELDS => json_encode($options['json']),
            CURLOPT_HTTPHEADER => ["Authorization: Bearer {$options['auth_bearer']}", 'Content-Type: application/json'],
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_TIMEOUT => $options['timeout'],
        ]);

        return new class ($handle) implements ResponseInterface {
            private mixed $text = null;

            public function __construct(private CurlHandle $handle)
            {
            }

            public function getStatusCode(): int
            {
                $this->text ??= curl_exec($this->handle);
                if ($this->text === false) {
                    throw new Lost(curl_error($this->handle));
                }

                return curl_getinfo($this->handle, CURLINFO_RESPONSE_CODE);
            }

            public function toArray(bool $throw = true): array
            {
                $this->getStatusCode();

                return json_decode($this->text, true) ?? throw new Lost('no JSON');
            }
        };
    }
}

$transport = (new OctopushTransportFactory(null, new CurlClient()))->create(new Dsn($dsn));
$results = ['name' => (string) $transport];

$minted = (new SmsMessage($number, 'Your table is ready'))->options(new OctopushOptions('', ['purpose' => 'alert']));
$named = (new SmsMessage($number, 'Your table is ready', 'Cafe'))->options(new OctopushOptions('order-42-shipped', ['purpose' => 'alert']));
$wrong = (new SmsMessage('06', 'Your table is ready'))->options(new OctopushOptions('order-43-shipped', ['purpose' => 'alert']));
$bare = new SmsMessage($number, 'Your table is ready');
// What a queue holds: each retry reads it again.
foreach (['lost' => $minted, 'retried' => $minted, 'named' => $named, 'wrong' => $wrong, 'bare' => $bare] as $name => $message) {
    try {
        $results[$name] = $transport->send(unserialize(serialize($message)))->getMessageId();
    } catch (Throwable $error) {
        $results[$name] = $error::class . ': ' . $error->getMessage();
    }
}
echo json_encode($results);
