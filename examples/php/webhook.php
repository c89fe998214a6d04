<?php

// Take webhooks: what is signed is kept in an inbox, once; what is not is refused.
//
//   SMS_WEBHOOK_SECRET=$(octopush-worker forward secret shop) INBOX=inbox php -S 127.0.0.1:9000 webhook.php

declare(strict_types=1);

require __DIR__ . '/Octopush.php';

/** Keep a webhook under its id, whole or not at all; if it is there, it stays. A table with a unique id does this, too. */
function keep(array $webhook, string $inbox): void
{
    $name = $inbox . '/' . hash('sha256', $webhook['id']);
    $draft = tempnam($inbox, 'draft');
    file_put_contents($draft, json_encode($webhook, JSON_THROW_ON_ERROR));
    @link($draft, "$name.json");
    unlink($draft);
    if (!is_file("$name.json")) {
        throw new RuntimeException('the inbox cannot be written');
    }
}

// The body as it came: $_POST and a parsed body have other bytes than those that were signed.
$body = file_get_contents('php://input');
$headers = [];
foreach (['webhook-id', 'webhook-timestamp', 'webhook-signature'] as $name) {
    $headers[$name] = $_SERVER['HTTP_' . strtoupper(strtr($name, '-', '_'))] ?? '';
}
$secrets = getenv('SMS_WEBHOOK_SECRET') ?: throw new RuntimeException('SMS_WEBHOOK_SECRET is missing');
$webhook = Octopush::verifyWebhook($body, $headers, $secrets);
if ($webhook === null) {
    http_response_code(400);
    return;
}
// After an exception PHP answers 500, and the forwarder tries again.
keep($webhook, getenv('INBOX') ?: 'inbox');
http_response_code(204);
