<?php

// Hand over what the outbox has, for ever: the API may be away, and may come back.
//
//   DATABASE=bistro.sqlite3 OCTOPUSH_URL=http://127.0.0.1:8002 OCTOPUSH_TOKEN=… php hand_over.php

declare(strict_types=1);

require __DIR__ . '/Octopush.php';
require __DIR__ . '/Outbox.php';

$outbox = new Outbox(new PDO('sqlite:' . (getenv('DATABASE') ?: 'bistro.sqlite3')));
$outbox->createTable();
// One try: the loop repeats.
$octopush = new Octopush((string) getenv('OCTOPUSH_URL'), (string) getenv('OCTOPUSH_TOKEN'), tries: 1);
while (true) {
    $pauseS = 1;
    foreach ($outbox->handOver($octopush) as [$requestId, $word]) {
        echo "$requestId $word\n";
        // A wrong token is not mended within a second.
        $pauseS = preg_match('/^waits: 40[13] /', $word) ? 10 : 1;
    }
    sleep($pauseS);
}
