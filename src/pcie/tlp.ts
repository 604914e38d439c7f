/**
 * Transaction Layer Packets: kinds, flow-control classes and what they take on the link.
 * PCI Express Base Specification 2.2 (formats), 2.6 (flow control), 3.5 (data link framing).
 */

/** What a TLP is. */
export const TlpKind = {
  MEMORY_READ: 0,
  MEMORY_WRITE: 1,
  COMPLETION: 2,
  COMPLETION_DATA: 3,
  CONFIG_READ: 4,
  CONFIG_WRITE: 5,
  /** A message without data: of errors (2.2.8.3). */
  MESSAGE: 6,
} as const;

/** One of {@link TlpKind}. */
export type TlpKind = (typeof TlpKind)[keyof typeof TlpKind];

/** Flow-control classes (2.6.1): each has header and data credits of its own. */
export const FlowClass = { POSTED: 0, NON_POSTED: 1, COMPLETION: 2 } as const;

/** One of {@link FlowClass}. */
export type FlowClass = (typeof FlowClass)[keyof typeof FlowClass];

/** Completion Status (2.2.9). */
export const CompletionStatus = {
  SUCCESSFUL: 0,
  UNSUPPORTED_REQUEST: 1,
  CONFIG_RETRY: 2,
  COMPLETER_ABORT: 4,
} as const;

/** One of {@link CompletionStatus}. */
export type CompletionStatus = (typeof CompletionStatus)[keyof typeof CompletionStatus];

/**
 * How a read ends beside its Completion Status: its data are poisoned (EP, 2.7.2), it was answered too late (2.8), the
 * link went down (2.9.1), or the function that had asked was reset before (6.6.2).
 */
export const ReadOutcome = { POISONED: 8, TIMEOUT: 9, LOST: 10, ABANDONED: 11 } as const;

/** Framing (STP, END), sequence number and LCRC: 1 + 1 + 2 + 4 bytes; a Gen 3 STP token with LCRC is as long. */
export const DATA_LINK_OVERHEAD_BYTES = 8;
/** Header of three double words: 32-bit addresses, configuration requests, completions. */
export const HEADER_3DW_BYTES = 12;
/** Header of four double words: 64-bit addresses. */
export const HEADER_4DW_BYTES = 16;
/** A DLLP on the link: six bytes and framing. */
export const DLLP_BYTES = 8;
/** Bytes that one data credit stands for. */
export const CREDIT_BYTES = 16;

const FLOW_CLASS_OF: readonly FlowClass[] = [
  FlowClass.NON_POSTED,
  FlowClass.POSTED,
  FlowClass.COMPLETION,
  FlowClass.COMPLETION,
  FlowClass.NON_POSTED,
  FlowClass.NON_POSTED,
  FlowClass.POSTED,
];

/** The flow-control class of a kind of TLP. */
export function flowClassOf(kind: TlpKind): FlowClass {
  return FLOW_CLASS_OF[kind];
}

/** Bytes that the header of a memory request takes: four double words from 4 GiB up, three below (2.2.4.1). */
export function memoryHeaderBytes(address: number): number {
  return address >= 2 ** 32 ? HEADER_4DW_BYTES : HEADER_3DW_BYTES;
}

/** Bytes of the double words that `bytes` from `address` touch: what a TLP carries, or asks for (2.2.2). */
export function spanOf(address: number, bytes: number): number {
  return ((address & 3) + bytes + 3) & ~3;
}

/**
 * How many completions bring `bytes` from `address`, each as large as Max_Payload_Size allows: all but the last end at a
 * multiple of the Read Completion Boundary (2.3.1.1).
 */
export function completionCount(
  address: number,
  bytes: number,
  maxPayloadBytes: number,
  boundary: number,
): number {
  const start = address - (address % 4);
  const end = address + bytes;
  if (end - start <= maxPayloadBytes) return 1;
  const reach = start + maxPayloadBytes;
  return 1 + Math.ceil((end - (reach - (reach % boundary))) / maxPayloadBytes);
}
