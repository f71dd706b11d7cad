"""Examples for the API's description; the tests lodge them."""

from __future__ import annotations

from typing import Any

JSON_DECLARATION: dict[str, Any] = {
    "lrn": "BROKER-2026-000417",
    "procedure": "import",
    "declarant": {"id": "KR1208147521", "name": "Hangang Customs Brokers"},
    "importer": {"id": "KR1148615523", "name": "Namsan Foods"},
    "exporter": {"name": "Murray Valley Meats", "country": "AU"},
    "office": "KRINC030",
    "consignment": {
        "ucr": "6AU88123456789-BEEF-0417",
        "transport_mode": "1",
        "transport_id": "9436355",
        "containers": ["TEMU8123456"],
        "country_of_dispatch": "AU",
        "location": "KRPUS-CY-04",
    },
    "items": [
        {
            "number": 1,
            "hs_code": "0202300000",
            "description": "Frozen boneless beef",
            "origin": "AU",
            "net_mass_kg": "24960.000",
            "gross_mass_kg": "26100.5",
            "value": {"amount": "148200.00", "currency": "USD"},
            "packages": 1240,
            "lpcos": [{"type": "N853", "id": "AU-MEAT-77120", "issuer": "DAFF"}],
        }
    ],
}

XML_DECLARATION = """\
<?xml version="1.0" encoding="UTF-8"?>
<md:MetaData xmlns:md="urn:wco:datamodel:WCO:DocumentMetaData-DMS:2" xmlns="urn:wco:datamodel:WCO:DEC-DMS:2">
  <md:WCODataModelVersionCode>3.6</md:WCODataModelVersionCode>
  <Declaration>
    <FunctionCode>9</FunctionCode>
    <FunctionalReferenceID>BROKER-2026-000418</FunctionalReferenceID>
    <TypeCode>IMA</TypeCode>
    <GoodsItemQuantity>1</GoodsItemQuantity>
    <Declarant><ID>KR1208147521</ID></Declarant>
    <GoodsShipment>
      <GovernmentAgencyGoodsItem>
        <SequenceNumeric>1</SequenceNumeric>
        <Commodity>
          <Description>Used weaving looms</Description>
          <Classification><ID>84463000</ID><IdentificationTypeCode>TSP</IdentificationTypeCode></Classification>
          <Classification><ID>00</ID><IdentificationTypeCode>TRC</IdentificationTypeCode></Classification>
          <GoodsMeasure><NetNetWeightMeasure unitCode="TNE">7.25</NetNetWeightMeasure></GoodsMeasure>
        </Commodity>
        <Origin><CountryCode>JP</CountryCode></Origin>
        <Packaging><QuantityQuantity>2</QuantityQuantity></Packaging>
      </GovernmentAgencyGoodsItem>
      <UCR><TraderAssignedReferenceID>6JP44120-LOOM-0418</TraderAssignedReferenceID></UCR>
    </GoodsShipment>
  </Declaration>
</md:MetaData>
"""

RECEIPT: dict[str, Any] = {
    "mrn": "26KR7Q2M9D4X1C8TB5",
    "lrn": "BROKER-2026-000417",
    "accepted_at": "2026-11-20T02:15:00Z",
    "outcome": "in_progress",
    "referrals": [
        {
            "id": "26KR7Q2M9D4X1C8TB5/apqa-animal-import",
            "service": "apqa-animal-import",
            "service_name": {"en": "Animal quarantine", "ko": "동물 수입검역"},
            "agency": "apqa",
            "agency_name": {"en": "Animal and Plant Quarantine Agency", "ko": "농림축산검역본부"},
            "law": {"en": "Livestock Epidemic Prevention Act", "ko": "가축전염병 예방법"},
            "document": "Animal quarantine certificate",
            "items": [1],
            "due_at": "2026-11-25T09:00:00Z",
            "answers": "callback",
        }
    ],
    "prohibited": [],
    "due_at": "2026-11-25T09:00:00Z",
    "links": {
        "self": "/v1/declarations/26KR7Q2M9D4X1C8TB5",
        "events": "/v1/declarations/26KR7Q2M9D4X1C8TB5/events",
        "routing": "/v1/declarations/26KR7Q2M9D4X1C8TB5/routing",
        "versions": "/v1/declarations/26KR7Q2M9D4X1C8TB5/versions",
        "questions": "/v1/declarations/26KR7Q2M9D4X1C8TB5/questions",
        "progress": "/v1/declarations/26KR7Q2M9D4X1C8TB5/progress",
        "casefile": "/v1/declarations/26KR7Q2M9D4X1C8TB5/casefile",
        "exchanges": None,
        "engine": None,
    },
}
