import type { PcieFunction } from '../function.ts';
import { headerWordsOf } from '../header-words.ts';
import type { RoutingId } from '../routing-id.ts';
import { TlpKind } from '../tlp.ts';
import { byteEnablesOf } from '../tlp-bytes.ts';

/** Address Type of a memory request (PCIe 3.0 2.2.4.1, ATS 1.1 2.2). */
export const AddressType = { UNTRANSLATED: 0, TRANSLATION_REQUEST: 1, TRANSLATED: 2 } as const;

/** One of {@link AddressType}. */
export type AddressType = (typeof AddressType)[keyof typeof AddressType];

/** A memory request of one double word or less. */
export interface HierarchyRequest {
  /** The function that sends it, or null for a processor. */
  readonly from: PcieFunction | null;
  /** Requester ID in it. Default: the function's own; another one is forged. */
  readonly requester?: RoutingId;
  readonly kind: 'read' | 'write';
  /** Below 2^53, naturally aligned. */
  readonly address: number;
  /** 1, 2 or 4, naturally aligned. Default 4. */
  readonly bytes?: 1 | 2 | 4;
  /** What a write writes. Default 0. */
  readonly value?: number;
  /** Default untranslated. */
  readonly addressType?: AddressType;
  /** Relaxed Ordering, in the request and in its completion. Default false. */
  readonly relaxedOrdering?: boolean;
}

/** The double words of the header that a request has, for the Header Log of who refuses it (PCIe 3.0 2.2.7). */
export function headerOf(
  request: Pick<HierarchyRequest, 'kind' | 'addressType' | 'relaxedOrdering'> & { readonly bytes?: number },
  requester: RoutingId,
  address: number,
): readonly number[] {
  const { bytes = 4, addressType = 0, relaxedOrdering = false } = request;
  const kind = request.kind === 'write' ? TlpKind.MEMORY_WRITE : TlpKind.MEMORY_READ;
  const { words, firstEnables, lastEnables } = byteEnablesOf(address, bytes);
  const byteEnables = firstEnables | (lastEnables << 4);
  const fields = { kind, requester, address, bytes, byteEnables, configType: 0, target: 0 } as const;
  const [first, , ...rest] = headerWordsOf(fields, (relaxedOrdering ? 1 << 13 : 0) | (addressType << 10));
  return [(first & ~1) | (words & 0x3ff), (requester << 16) | byteEnables, ...rest];
}

/** What a port or a function did with a request or its completion. */
export type HopAction =
  /** The function sent it. */
  | 'sent'
  /** A port passed it on upstream. */
  | 'upstream'
  /** Instead of letting it through to a peer, sent it up towards the root complex. */
  | 'redirected'
  /** A port, or a function's device, let it through to a peer. */
  | 'peer-to-peer'
  /** A port passed it on downstream. */
  | 'downstream'
  /** The root complex took it, and had its address translated. */
  | 'translated'
  /** The root complex took it as it is. */
  | 'root-complex'
  /** It has arrived. */
  | 'completed'
  /** It ended there as an error. */
  | 'refused';

/** One step on the way. */
export interface Hop {
  /** Name of the port or function, `root complex` or `memory`. */
  readonly at: string;
  readonly action: HopAction;
  /** True for the way of the completion. */
  readonly isCompletion: boolean;
}

/** Why and where a TLP ended. */
export interface HierarchyError {
  /** Name of the port or function that found it. */
  readonly at: string;
  readonly error: 'ACS Violation' | 'Unsupported Request' | 'Unexpected Completion' | 'IOMMU fault';
  /** A clause in words. */
  readonly reason: string;
}

/** What became of a request. */
export interface HierarchyOutcome {
  /**
   * The Completion Status that a read brought, or that a write would have if writes had completions; `not-sent` if the
   * function may not send requests.
   */
  readonly status:
    | 'successful'
    | 'unsupported-request'
    | 'completer-abort'
    | 'completion-timeout'
    | 'not-sent';
  /** The function that it reached, VFs included, or `memory`; null if nobody took it. */
  readonly completer: PcieFunction | 'memory' | null;
  /** BAR of that function that the address lies in, or -1. */
  readonly bar: number;
  /** What a successful read brought; all ones for any other. */
  readonly value: number;
  /** Whether the request came through the root complex, from one root port to another too. */
  readonly throughRootComplex: boolean;
  readonly error: HierarchyError | null;
  readonly hops: readonly Hop[];
}

/**
 * The way of a request in words, one line a step.
 *
 * @example
 * console.log(formatHops(outcome)); // 03:00.0 sent ... 02:00.0 redirected ... 00:01.0 root-complex
 */
export function formatHops({ hops, error }: HierarchyOutcome): string {
  const lines = hops.map(
    ({ at, action, isCompletion }) => `${isCompletion ? 'completion' : 'request'}: ${at} ${action}`,
  );
  if (error !== null) lines.push(`${error.error} at ${error.at}: ${error.reason}`);
  return lines.join('\n');
}
