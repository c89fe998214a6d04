<?php

// Book a table. The confirmation is written by the transaction of the booking; hand_over.php sends it.
//
//   DATABASE=bistro.sqlite3 php book.php 42 +33612345678

declare(strict_types=1);

require __DIR__ . '/Octopush.php';
require __DIR__ . '/Outbox.php';

[, $booking, $number] = $argv;
$database = new PDO('sqlite:' . (getenv('DATABASE') ?: 'bistro.sqlite3'));
$outbox = new Outbox($database);
$outbox->createTable();
$database->exec('CREATE TABLE IF NOT EXISTS bookings (id INTEGER PRIMARY KEY, number TEXT NOT NULL)');

$database->beginTransaction();
$database->prepare('INSERT INTO bookings (id, number) VALUES (?, ?)')->execute([$booking, $number]);
$outbox->add([
    // From the business fact: whoever repeats the call sends one SMS.
    'request_id' => "booked-$booking",
    'recipients' => [$number],
    'text' => "Table $booking is yours.",
    'sender' => 'Bistro',
    'purpose' => 'alert',
]);
$database->commit();
echo "booked $booking\n";
