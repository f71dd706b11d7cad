"""What people who operate the hub do and are told: actions, bulk actions, the doctor, the early warning."""
