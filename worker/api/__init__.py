"""The HTTP API, for applications in any language: the same queue and the same rules as `producers`.

A call passes the door (`door`), which knows the table of operations (`table`) and makes the checks that all
have in common, in one order. The operation's handler reads the body through the checks of `producers`, and
asks Redis through the application's own desk (`desk`). Whatever is refused leaves as a problem
(`problems`). The same table makes the OpenAPI document (`openapi`), so the document cannot say anything
else.
"""
