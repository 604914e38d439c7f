import { prefixOf, type TlpPrefix } from './prefix.ts';
import type { TlpFields } from './tlp-fields.ts';
import { TlpGroup } from './tlp-formats.ts';
import type {
  AtomicTlp,
  CompletionTlp,
  ConfigTlp,
  IoTlp,
  MemoryReadTlp,
  MemoryWriteTlp,
  MessageTlp,
  TlpHints,
  TlpPacket,
} from './tlp-types.ts';

const NO_BYTES = new Uint8Array(0);
const NO_PREFIXES: readonly TlpPrefix[] = [];
/** Up to so many bytes are copied faster one by one than by way of a view of them. */
const FEW_BYTES = 128;
/** Where the halves of an address become one number. */
const ADDRESS = new DataView(new ArrayBuffer(8));

/**
 * A TLP with copies of all that it has, from the fields of one that has passed its checks. Each group names its fields one by
 * one: to put them together in layers, by spreading, took several times as long.
 */
export function packetOf(tlp: TlpFields): TlpPacket {
  switch (tlp.group) {
    case TlpGroup.MEMORY:
      return tlp.carriesData ? writeOf(tlp) : readOf(tlp);
    case TlpGroup.ATOMIC:
      return atomicOf(tlp);
    case TlpGroup.MESSAGE:
      return messageOf(tlp);
    case TlpGroup.COMPLETION:
      return completionOf(tlp);
    default:
      return tlp.kind === 'IORd' || tlp.kind === 'IOWr' ? ioOf(tlp) : configOf(tlp);
  }
}

function readOf(tlp: TlpFields): MemoryReadTlp {
  return {
    kind: tlp.kind as MemoryReadTlp['kind'],
    trafficClass: tlp.trafficClass,
    attributes: tlp.attributes,
    poisoned: tlp.poisoned,
    digest: tlp.digest,
    prefixes: prefixesOf(tlp),
    requester: tlp.requester,
    tag: tlp.tag,
    address: addressOf(tlp),
    addressType: tlp.addressType,
    hints: hintsOf(tlp),
    longHeader: hasLongHeader(tlp),
    words: tlp.length,
    firstEnables: tlp.firstEnables,
    lastEnables: tlp.lastEnables,
  };
}

function writeOf(tlp: TlpFields): MemoryWriteTlp {
  return {
    kind: 'MWr',
    trafficClass: tlp.trafficClass,
    attributes: tlp.attributes,
    poisoned: tlp.poisoned,
    digest: tlp.digest,
    prefixes: prefixesOf(tlp),
    requester: tlp.requester,
    tag: tlp.tag,
    address: addressOf(tlp),
    addressType: tlp.addressType,
    hints: hintsOf(tlp),
    longHeader: hasLongHeader(tlp),
    firstEnables: tlp.firstEnables,
    lastEnables: tlp.lastEnables,
    payload: payloadOf(tlp),
  };
}

function atomicOf(tlp: TlpFields): AtomicTlp {
  return {
    kind: tlp.kind as AtomicTlp['kind'],
    trafficClass: tlp.trafficClass,
    attributes: tlp.attributes,
    poisoned: tlp.poisoned,
    digest: tlp.digest,
    prefixes: prefixesOf(tlp),
    requester: tlp.requester,
    tag: tlp.tag,
    address: addressOf(tlp),
    addressType: tlp.addressType,
    hints: hintsOf(tlp),
    longHeader: hasLongHeader(tlp),
    payload: payloadOf(tlp),
  };
}

function ioOf(tlp: TlpFields): IoTlp {
  return {
    kind: tlp.kind as IoTlp['kind'],
    trafficClass: tlp.trafficClass,
    attributes: tlp.attributes,
    poisoned: tlp.poisoned,
    digest: tlp.digest,
    prefixes: prefixesOf(tlp),
    requester: tlp.requester,
    tag: tlp.tag,
    address: tlp.addressLow,
    firstEnables: tlp.firstEnables,
    payload: payloadOf(tlp),
  };
}

function configOf(tlp: TlpFields): ConfigTlp {
  return {
    kind: tlp.kind as ConfigTlp['kind'],
    trafficClass: tlp.trafficClass,
    attributes: tlp.attributes,
    poisoned: tlp.poisoned,
    digest: tlp.digest,
    prefixes: prefixesOf(tlp),
    requester: tlp.requester,
    tag: tlp.tag,
    target: tlp.target,
    register: tlp.register,
    firstEnables: tlp.firstEnables,
    payload: payloadOf(tlp),
  };
}

function messageOf(tlp: TlpFields): MessageTlp {
  return {
    kind: tlp.kind as MessageTlp['kind'],
    trafficClass: tlp.trafficClass,
    attributes: tlp.attributes,
    poisoned: tlp.poisoned,
    digest: tlp.digest,
    prefixes: prefixesOf(tlp),
    requester: tlp.requester,
    tag: tlp.tag,
    routing: tlp.routing,
    code: tlp.code,
    parameters: copyOf(tlp.bytes, tlp.headerAt + 8, 8),
    payload: payloadOf(tlp),
  };
}

function completionOf(tlp: TlpFields): CompletionTlp {
  return {
    kind: tlp.kind as CompletionTlp['kind'],
    trafficClass: tlp.trafficClass,
    attributes: tlp.attributes,
    poisoned: tlp.poisoned,
    digest: tlp.digest,
    prefixes: prefixesOf(tlp),
    requester: tlp.requester,
    tag: tlp.tag,
    completer: tlp.completer,
    status: tlp.status,
    byteCountModified: tlp.byteCountModified,
    byteCount: tlp.byteCount,
    lowerAddress: tlp.lowerAddress,
    payload: payloadOf(tlp),
  };
}

function addressOf(tlp: TlpFields): bigint {
  const { addressHigh, addressLow } = tlp;
  if (addressHigh === 0) return BigInt(addressLow);
  ADDRESS.setUint32(0, addressHigh);
  ADDRESS.setUint32(4, addressLow);
  return ADDRESS.getBigUint64(0);
}

function hintsOf(tlp: TlpFields): TlpHints | null {
  if (!tlp.hasHints) return null;
  return { processingHint: tlp.processingHint, steeringTag: tlp.steeringTag };
}

/** Whether there are four double words of header for an address that has three. */
function hasLongHeader(tlp: TlpFields): boolean {
  return tlp.headerBytes === 16 && tlp.addressHigh === 0;
}

function prefixesOf(tlp: TlpFields): readonly TlpPrefix[] {
  const { prefixCount } = tlp;
  if (prefixCount === 0) return NO_PREFIXES;
  return Array.from({ length: prefixCount }, (_, i) => prefixOf(tlp.prefixAt(i)) as TlpPrefix);
}

function payloadOf(tlp: TlpFields): Uint8Array {
  return copyOf(tlp.bytes, tlp.payloadAt, tlp.payloadBytes);
}

function copyOf(bytes: Uint8Array, at: number, count: number): Uint8Array {
  if (count === 0) return NO_BYTES;
  const copy = new Uint8Array(count);
  if (count <= FEW_BYTES) for (let i = 0; i < count; i++) copy[i] = bytes[at + i];
  else copy.set(bytes.subarray(at, at + count));
  return copy;
}
