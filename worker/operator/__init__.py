"""What a person decides, sends and looks at: the commands of octopush-worker."""
