select rowlock.erase_late_bodies()
