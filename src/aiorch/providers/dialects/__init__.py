"""The dialects, a module each with one ``DIALECT``; fetched by name when a provider that speaks it is first used."""
