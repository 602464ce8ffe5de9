"""What people see of the metrics: the page of all of them and the dashboard, generated and committed."""
