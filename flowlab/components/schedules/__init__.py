"""The built-in components: schedules."""
