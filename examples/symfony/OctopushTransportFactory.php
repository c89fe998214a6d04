<?php

declare(strict_types=1);

namespace App\Sms;

use Symfony\Component\Notifier\Exception\UnsupportedSchemeException;
use Symfony\Component\Notifier\Transport\AbstractTransportFactory;
use Symfony\Component\Notifier\Transport\Dsn;

/** Makes transports of octopush-worker://TOKEN@HOST:PORT?from=SENDER; +http is for this machine only. */
final class OctopushTransportFactory extends AbstractTransportFactory
{
    public function create(Dsn $dsn): OctopushTransport
    {
        if (!$this->supports($dsn)) {
            throw new UnsupportedSchemeException($dsn, 'octopush-worker', $this->getSupportedSchemes());
        }
        $token = $this->getUser($dsn);
        $from = $dsn->getRequiredOption('from');
        $transport = new OctopushTransport($dsn->getScheme(), $token, $from, $this->client, $this->dispatcher);

        return $transport->setHost($dsn->getHost())->setPort($dsn->getPort());
    }

    protected function getSupportedSchemes(): array
    {
        return ['octopush-worker', 'octopush-worker+http'];
    }
}
