<?php

declare(strict_types=1);

namespace App\Notifications\Channels;

use Illuminate\Notifications\Notification;
use Octopush;

/**
 * Sends notifications as SMS through octopush-worker.
 *
 * A notification that says `return [OctopushChannel::class]` in via() has a method toOctopush($notifiable). It
 * returns the text, or the members of a message: text, purpose, with_replies, context … and a request_id of
 * your own, such as order-42-shipped.
 */
final class OctopushChannel
{
    public function __construct(private readonly Octopush $octopush, private readonly string $sender)
    {
    }

    /** Queue the SMS, and return the answer of the API; null if the notifiable has no number. */
    public function send(object $notifiable, Notification $notification): ?array
    {
        $number = $notifiable->routeNotificationFor('octopush', $notification);
        if (!$number) {
            return null;
        }
        $message = $notification->toOctopush($notifiable);
        return $this->octopush->send((is_string($message) ? ['text' => $message] : $message) + [
            // A UUID that Laravel makes before the notification is queued: every retry of the job has the same.
            'request_id' => $notification->id,
            'recipients' => [$number],
            'sender' => $this->sender,
        ]);
    }
}
