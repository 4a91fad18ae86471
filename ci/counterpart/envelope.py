# SPDX-License-Identifier: Apache-2.0
"""§8.1: DSSE envelopes in their one encoding. `kind` is the type of the payload."""
import base64
import re

from .basics import need, Refused
from .ed25519 import ed25519_public, ed25519_sign, keyid

PAYLOAD_TYPE = "application/vnd.in-toto+json"


def pae(payload, kind=PAYLOAD_TYPE):
    """What is signed."""
    return b"DSSEv1 %d %s %d " % (len(kind), kind.encode(), len(payload)) + payload


def seal(payload, signature, key_id, kind=PAYLOAD_TYPE):
    p, s = base64.b64encode(payload).decode(), base64.b64encode(signature).decode()
    return ('{"payload":"%s","payloadType":"%s","signatures":[{"keyid":"%s","sig":"%s"}]}\n'
            % (p, kind, key_id, s)).encode()


def open_envelope(data, kind=PAYLOAD_TYPE, most=524288, bad="envelope.malformed"):
    """(payload, signature, keyid); a payload has at most so many bytes."""
    text = r'"([A-Za-z0-9+/=]*)"'
    found = re.fullmatch(r'{"payload":%s,"payloadType":"%s","signatures":\[{"keyid":"([0-9a-f]{64})","sig":%s}\]}\n'
                         % (text, re.escape(kind), text), data.decode("latin-1"))
    need(found, bad, "not the one encoding")
    try:
        payload, signature = (base64.b64decode(found.group(i), validate=True) for i in (1, 3))
    except ValueError:
        raise Refused(bad, "base64") from None
    need(len(payload) <= most and len(signature) == 64, bad, "length of payload or signature")
    need(seal(payload, signature, found.group(2), kind) == data, bad, "not the one encoding")
    return payload, signature, found.group(2)


def sign(payload, secret, kind=PAYLOAD_TYPE, key_id=None):
    """The envelope of a payload."""
    signature = ed25519_sign(secret, pae(payload, kind))
    return seal(payload, signature, key_id or keyid(ed25519_public(secret)), kind)
