<?php

// Send an SMS through examples/laravel as a queued job does, twice: URL TOKEN EXAMPLES_DIR NUMBER. Prints JSON.

declare(strict_types=1);

namespace Illuminate\Notifications {
    /** What examples/laravel uses of Laravel's class. */
    class Notification
    {
        public $id;
    }
}

namespace {
    use App\Notifications\Channels\OctopushChannel;
    use Illuminate\Notifications\Notification;

    [, $url, $token, $examples, $number] = $argv;

    require "$examples/php/Octopush.php";
    require "$examples/laravel/OctopushChannel.php";

    final class TableReady extends Notification
    {
        public function toOctopush(object $notifiable): array
        {
            return ['text' => 'Your table is ready', 'purpose' => 'alert'];
        }
    }

    final class Guest
    {
        public function __construct(private ?string $number)
        {
        }

        public function routeNotificationFor(string $driver, ?Notification $notification = null): ?string
        {
            return $driver === 'octopush' ? $this->number : null;
        }
    }

    $channel = new OctopushChannel(new Octopush($url, $token, tries: 1), 'Bistro');
    $notification = new TableReady();
    $notification->id = '0b6f4b3e-8d0c-4e0e-9f43-4d7a3f1c2b5a';
    $job = serialize([new Guest($number), $notification]);
    $results = ['without a number' => $channel->send(new Guest(null), $notification)];
    foreach (['lost', 'retried'] as $name) {
        try {
            $results[$name] = $channel->send(...unserialize($job))['request_id'];
        } catch (OctopushException $error) {
            $results[$name] = $error->problemCode;
        }
    }
    echo json_encode($results);
}
