"""Normal forms of what people write in many ways: words, domains, company names, titles, industries, channels."""
