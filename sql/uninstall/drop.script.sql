drop schema if exists clerk, rowlock cascade;
