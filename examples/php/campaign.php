<?php

// Send a campaign to a list of any length. Run it again after whatever ended it: nobody is texted twice.
//
//   OCTOPUSH_URL=http://127.0.0.1:8002 OCTOPUSH_TOKEN=… php campaign.php spring numbers.txt
//
// The token needs the scope campaign. The list has a number a line, and stays as it is: parts are cut by position.

declare(strict_types=1);

require __DIR__ . '/Octopush.php';

const PART = 500;
// With fewer of the list than this, something is wrong with the list, and nothing is begun.
const LEAST_SHARE = 0.5;

[, $id, $list] = $argv;
$octopush = new Octopush((string) getenv('OCTOPUSH_URL'), (string) getenv('OCTOPUSH_TOKEN'));
$numbers = file($list, FILE_IGNORE_NEW_LINES | FILE_SKIP_EMPTY_LINES) ?: throw new RuntimeException("$list is empty");
$parts = array_chunk($numbers, PART);

$message = ['text' => 'The terrace is open. STOP au 30101', 'sender' => 'Bistro'];
// Whoever stands in the list twice, or with a wrong number, is left out and named; without this his part is refused.
$definition = $message + ['on_invalid' => 'leave_out'];

try {
    // What is begun keeps its text, and its id is used up. What is wrong with the text for these recipients, and who
    // would be left out, a preview says before: the first in `problems`, the second in `left_out` alone.
    $remain = 0;
    foreach ($parts as $n => $recipients) {
        $preview = $octopush->call('POST', '/v1/preview', body: $message + ['recipients' => $recipients]);
        foreach ($preview['problems'] as $each) {
            fwrite(STDERR, "{$each['pointer']}: {$each['detail']}\n");
        }
        if ($preview['problems']) {
            exit(1);
        }
        $remain += $preview['recipients'];
        $example ??= $preview['left_out'][0]['errors'][0]['detail'] ?? null;
    }
    if ($remain === 0 || $remain < LEAST_SHARE * count($numbers)) {
        fwrite(STDERR, "nothing is begun: of " . count($numbers) . " lines only $remain remain; for example: $example\n");
        exit(1);
    }
    $campaign = '/v1/campaigns/' . rawurlencode($id);
    $octopush->call('PUT', $campaign, body: $definition);
    // All parts, also those that are there: they are answered as the first time, and a list that has changed is refused.
    foreach ($parts as $n => $recipients) {
        $part = $octopush->call('PUT', "$campaign/parts/$n", body: ['recipients' => $recipients]);
        echo "part $n: {$part['recipients']} recipients\n";
        foreach ($part['left_out'] as $each) {
            $line = $n * PART + $each['index'] + 1;
            echo "  line $line is left out: {$each['errors'][0]['detail']}\n";
        }
    }
    // Nothing has left so far: `start` is on_complete.
    $octopush->call('POST', "$campaign/complete", body: ['parts' => count($parts)]);
    do {
        $now = $octopush->call('GET', $campaign);
        echo "{$now['state']}: {$now['recipients']} recipients, {$now['pending']} pending\n";
    } while (!$now['done'] && sleep(2) === 0);
} catch (OctopushException $error) {
    fwrite(STDERR, $error->getMessage() . "\n");
    exit(1);
}
