"""Who is asking: passwords, tokens, logins, and the gate that every request passes."""
