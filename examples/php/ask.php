<?php

// Ask a guest whether he comes, wait until the gateway has the question, and read his answer.
//
//   OCTOPUSH_URL=http://127.0.0.1:8002 OCTOPUSH_TOKEN=… php ask.php 42 +33612345678

declare(strict_types=1);

require __DIR__ . '/Octopush.php';

const GROUP = 'bookings-php';

[, $booking, $number] = $argv;
$octopush = new Octopush((string) getenv('OCTOPUSH_URL'), (string) getenv('OCTOPUSH_TOKEN'));

$question = [
    // From the business fact, before the first try: whoever repeats the call, or this program, sends one SMS.
    'request_id' => "booking-$booking",
    'recipients' => [$number],
    'text' => "Table $booking is yours. Do you come?",
    'sender' => 'Bistro',
    'purpose' => 'alert',
    'with_replies' => true,
    'context' => ['booking' => $booking],
];

try {
    $sent = $octopush->send($question, 20);
    echo "{$sent['request_id']} {$sent['state']}\n";
    $answered = $sent['ended'] && $sent['state'] !== 'accepted';
    // A process takes up what it held when it ended: so the consumer's name stays the same over restarts.
    $held = true;
    while (!$answered) {
        foreach ($octopush->events('replies', GROUP, gethostname(), held: $held) as $entry) {
            ['request_id' => $requestId, 'context' => $context, 'text' => $text] = $entry['event'];
            // An entry may come twice. Store event_id with what the reply leads to, in one transaction.
            $who = $context['booking'] ?? 'somebody';
            echo "$requestId answered by $who: $text\n";
            $octopush->acknowledge('replies', GROUP, [$entry['entry_id']]);
            $answered = $answered || $requestId === $question['request_id'];
        }
        $held = false;
    }
} catch (OctopushException $error) {
    fwrite(STDERR, $error->getMessage() . "\n");
    foreach ($error->errors as $each) {
        $place = $each['pointer'] ?? $each['parameter'] ?? $each['header'];
        fwrite(STDERR, "  $place: {$each['detail']}\n");
    }
    exit(1);
}
