"""
SOAP 1.1 and 1.2: the contract is the agency's WSDL, read from local files only.

zeep reads the WSDL and its schemas; what is sent and answered is written and read here along zeep's types
(`writing` and `reading` say why), and held against the contract's own schemas by libxml2.
"""

from hub.adapters.soap.call import SoapCall
from hub.adapters.soap.contract import SoapContract, SoapOperation
from hub.adapters.soap.envelope import soap_body_child
from hub.adapters.soap.files import ContractUnreadable

__all__ = ["ContractUnreadable", "SoapCall", "SoapContract", "SoapOperation", "soap_body_child"]
