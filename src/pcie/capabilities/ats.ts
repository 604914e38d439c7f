import { checkInteger } from '../../base/index.ts';
import { bit, bits, type RegisterRow } from '../../registers/index.ts';
import type { Capability, FunctionContext, HostRegisters } from './capability.ts';
import { ECAP_ATS } from './ids.ts';

/** Offsets within the capability. */
export const ATS_CAPABILITY = 0x04;
export const ATS_CONTROL = 0x06;
/** Bit of ATS Control: the function may keep translations. */
export const ATS_ENABLE = 1 << 15;

/** What a function can do about address translations. */
export interface AtsOptions {
  readonly at?: number;
  /** Invalidate requests that it takes before it holds the link up, 1 to 32. Default 32. */
  readonly invalidateQueueDepth?: number;
  /** Its untranslated addresses are aligned to 4,096 bytes. Default true. */
  readonly pageAlignedRequest?: boolean;
  /** Takes invalidate requests for all PASIDs at once. Default false. */
  readonly globalInvalidate?: boolean;
}

/** A function with the capability, as {@link atsState} reads it. */
export interface AtsFunction {
  readonly config: HostRegisters;
  readonly physical: AtsFunction | null;
  findExtendedCapability(id: number): number;
}

/** How a function translates addresses now. */
export interface AtsState {
  readonly enabled: boolean;
  /** Smallest range that a translation covers, in bytes. */
  readonly smallestTranslationUnitBytes: number;
  /** Invalidate requests that its queue takes; a VF shares the queue of its PF. */
  readonly invalidateQueueDepth: number;
}

/**
 * Address Translation Services (ATS 1.1 5.1). A VF has Enable of its own; the queue for invalidate requests and the smallest
 * translation unit are those of its PF and read 0 (SR-IOV 1.1 3.7.4). Software sets the unit before or with Enable: what a
 * change while Enable is set does is not specified, here it changes nothing.
 *
 * @throws RangeError if the depth of the queue is out of range.
 */
export function ats(options: AtsOptions = {}): Capability {
  checkInteger('invalidateQueueDepth', options.invalidateQueueDepth ?? 32, 1, 32);
  return {
    id: ECAP_ATS,
    extended: true,
    version: 1,
    name: 'ATS',
    bytes: 8,
    at: options.at,
    rows: (context) => atsRows(options, context),
    guarded: [ATS_CAPABILITY],
    guard: (host, base, _offset, mask) =>
      (host.config.read16(base + ATS_CONTROL) & ATS_ENABLE) === 0 ? mask : mask & ~(0x1f << 16),
  };
}

/** The registers of the capability behind its header; also used to explain a dump. */
export function atsRows(options: AtsOptions, context: FunctionContext): RegisterRow[] {
  const { invalidateQueueDepth = 32, pageAlignedRequest = true, globalInvalidate = false } = options;
  return [
    {
      name: 'ATS Capability Register',
      offset: ATS_CAPABILITY,
      bytes: 2,
      access: 'RO',
      phrase: 'how invalidate requests are taken',
      section: 'ATS 1.1 5.1.2',
      fields: [
        bits('Invalidate Queue Depth', 0, 5, 'RO', 'requests it takes, 0 for 32; in a VF 0', {
          reset: context.virtual ? 0 : invalidateQueueDepth & 0x1f,
        }),
        bit('Page Aligned Request', 5, 'RO', 'addresses it asks for are aligned to 4,096', {
          reset: pageAlignedRequest ? 1 : 0,
        }),
        bit('Global Invalidate Supported', 6, 'RO', 'takes requests for all PASIDs at once', {
          reset: globalInvalidate ? 1 : 0,
        }),
      ],
    },
    {
      name: 'ATS Control Register',
      offset: ATS_CONTROL,
      bytes: 2,
      access: 'RsvdP',
      phrase: 'whether translations are kept',
      section: 'ATS 1.1 5.1.3',
      fields: [
        bits(
          'Smallest Translation Unit',
          0,
          5,
          context.virtual ? 'RO' : 'RW',
          'log2 of the pages of 4,096 bytes',
        ),
        bit('Enable', 15, 'RW', 'may ask for translations and keep them'),
      ],
    },
  ];
}

/** How `fn` translates addresses, or null if it has no ATS. What a VF shares is taken from its PF. */
export function atsState(fn: AtsFunction): AtsState | null {
  const base = fn.findExtendedCapability(ECAP_ATS);
  if (base === 0) return null;
  const owner = fn.physical ?? fn;
  const at = owner.findExtendedCapability(ECAP_ATS);
  const shared = at === 0 ? 0 : owner.config.read32(at + ATS_CAPABILITY);
  return {
    enabled: (fn.config.read16(base + ATS_CONTROL) & ATS_ENABLE) !== 0,
    smallestTranslationUnitBytes: 4096 * 2 ** ((shared >>> 16) & 0x1f),
    invalidateQueueDepth: shared & 0x1f || 32,
  };
}
