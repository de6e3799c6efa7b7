select clerk.ensure_caller()
