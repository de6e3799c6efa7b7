lock table rowlock.deletion_rules in share row exclusive mode
