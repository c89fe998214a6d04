<?php

// Send an SMS, and wait until its handset has it: `accepted` only says that the gateway has it.
//
//   OCTOPUSH_URL=http://127.0.0.1:8002 OCTOPUSH_TOKEN=… php deliver.php 42 +33612345678

declare(strict_types=1);

require __DIR__ . '/Octopush.php';

[, $order, $number] = $argv;
$octopush = new Octopush((string) getenv('OCTOPUSH_URL'), (string) getenv('OCTOPUSH_TOKEN'));
$requestId = "order-$order-shipped";

try {
    // Before the message is there, so that its receipt comes behind this place. From '0' all that is there would be read.
    $after = $octopush->log('receipts', '$')['next_after'];
    $sent = $octopush->send([
        'request_id' => $requestId,
        'recipients' => [$number],
        'text' => 'It is on its way.',
        'sender' => 'Bistro',
        'purpose' => 'alert',
    ], 20);
    echo "{$sent['state']}\n";
    $final = $sent['ended'] && $sent['state'] !== 'accepted';
    // A receipt may come after days, or never: wait for as long as you want to know.
    for ($n = 0; !$final && $n < 30;) {
        $found = $octopush->log('receipts', $after, ['request_id' => $requestId], 20);
        $after = $found['next_after'];
        // With more to look at it answers at once: that was no wait.
        $n += $found['more'] ? 0 : 1;
        foreach ($found['entries'] as ['event' => $receipt]) {
            echo "{$receipt['number']} {$receipt['state']}\n";
            $final = $final || $receipt['final'];
        }
    }
} catch (OctopushException $error) {
    fwrite(STDERR, $error->getMessage() . "\n");
    exit(1);
}
