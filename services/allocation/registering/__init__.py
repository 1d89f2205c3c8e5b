"""What operators enter: resources, companies and their quotas, terms, trainings, officers."""
