"""The SCIM API as an OpenAPI 3.1 document, generated from the definitions that validate.

`schemas` turns attributes into JSON Schema, `operations` describes endpoints and answers, `oauth`
the token endpoint, `examples` holds what the Entra provisioning service sends.
"""
