"""The namespaces of SOAP, WSDL and XML Schema, by short names."""

from __future__ import annotations

WSDL = "http://schemas.xmlsoap.org/wsdl/"
WSDL_20 = "http://www.w3.org/ns/wsdl"
SOAP_11 = "http://schemas.xmlsoap.org/wsdl/soap/"
SOAP_12 = "http://schemas.xmlsoap.org/wsdl/soap12/"
MIME = "http://schemas.xmlsoap.org/wsdl/mime/"
HTTP_TRANSPORTS = (
    "http://schemas.xmlsoap.org/soap/http",
    "http://www.w3.org/2003/05/soap/bindings/HTTP",
)

ENVELOPE_11 = "http://schemas.xmlsoap.org/soap/envelope/"
ENVELOPE_12 = "http://www.w3.org/2003/05/soap-envelope"
ENCODING_11 = "http://schemas.xmlsoap.org/soap/encoding/"
ENCODING_12 = "http://www.w3.org/2003/05/soap-encoding"

APACHE = "http://xml.apache.org/xml-soap"
"""Collections of Axis 1, which its contracts use without a schema."""

XML = "http://www.w3.org/XML/1998/namespace"
XSD = "http://www.w3.org/2001/XMLSchema"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
XOP = "http://www.w3.org/2004/08/xop/include"
XML_MIME = "http://www.w3.org/2005/05/xmlmime"
ADDRESSING = "http://www.w3.org/2005/08/addressing"
ADDRESSING_METADATA = (
    "http://www.w3.org/2007/05/addressing/metadata",
    "http://www.w3.org/2006/05/addressing/wsdl",
)
OTHER_LAYERS = (
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd",
    "http://docs.oasis-open.org/wss/oasis-wss-wssecurity-secext-1.1.xsd",
    "http://schemas.xmlsoap.org/ws/2002/07/secext",
    ADDRESSING,
    "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "http://schemas.xmlsoap.org/ws/2004/03/addressing",
    "http://schemas.xmlsoap.org/ws/2003/03/addressing",
)
"""Header parts of Web Services Security and WS-Addressing, which say nothing of what an agency means."""
POLICIES = ("http://schemas.xmlsoap.org/ws/2004/09/policy", "http://www.w3.org/ns/ws-policy")
