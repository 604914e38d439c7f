import { bits, type RegisterRow } from '../../registers/index.ts';

/** Where a function stands in its device: what the registers of a capability may depend on. */
export interface FunctionContext {
  /** True for a VF. */
  readonly virtual: boolean;
  /** Function number within the device, 0 to 255; for a VF that of its PF. */
  readonly number: number;
  /** Function number of the next higher function, 0 if there is none: the link of the ARI capability. */
  readonly nextFunction: number;
  /** Whether the device has more than one function, VFs not counted. */
  readonly multiFunction: boolean;
  /** True for the lowest-numbered PF of the device. */
  readonly lowest: boolean;
}

/**
 * What a function keeps decoded of its registers, so that the hot path reads plain fields. The configuration space is the
 * truth; these follow it at every write and reset.
 */
export interface DecodedState {
  /** MSI-X Enable. */
  msixEnabled: boolean;
  /** MSI-X Function Mask. */
  msixMasked: boolean;
  /** MSI Enable. */
  msiEnabled: boolean;
  /** PowerState: 0 for D0, 3 for D3hot. */
  powerState: number;
  /** Max_Payload_Size in bytes, as the function itself has it. */
  ownMaxPayloadBytes: number;
  /** Max_Read_Request_Size in bytes, as the function itself has it. */
  ownMaxReadRequestBytes: number;
  /** Enable Relaxed Ordering. */
  ownRelaxedOrdering: boolean;
  /** Enable No Snoop. */
  ownNoSnoop: boolean;
  /** Extended Tag Field Enable. */
  ownExtendedTags: boolean;
}

/** The registers of a function, as its capabilities use them. */
export interface HostRegisters {
  read16(offset: number): number;
  read32(offset: number): number;
  /** Sets a register as the hardware does. */
  poke16(offset: number, value: number): void;
  poke32(offset: number, value: number): void;
}

/** The function that has a capability, as the capability sees it. */
export interface CapabilityHost extends DecodedState {
  readonly config: HostRegisters;
  readonly isVirtual: boolean;
  /** The SR-IOV side of a PF, null for any other function. */
  readonly sriov: SriovHost | null;
  /** Resets the function as Initiate Function Level Reset does. */
  functionLevelReset(): void;
  /** Resets the function as the step from D3hot to D0 does where No_Soft_Reset is clear. */
  softReset(): void;
}

/** What the SR-IOV capability tells the PF it belongs to. */
export interface SriovHost {
  /** VF Enable as it took effect. */
  readonly enabled: boolean;
  /** Takes over what the registers of the capability at `base` say. */
  decode(base: number): void;
}

/**
 * One capability: its registers, and what writing them does. An object without state of its own; the registers' contents
 * are in the configuration space of each function that has it. It may be shared by any number of functions.
 */
export interface Capability {
  /** Capability ID. */
  readonly id: number;
  /** True for the extended chain from 100h on. */
  readonly extended: boolean;
  /** Version of an extended capability. */
  readonly version?: number;
  /** Short name; it begins the names of the registers. */
  readonly name: string;
  /** Size with its header, in bytes. */
  readonly bytes: number;
  /** Offset that the device gives it. Default: behind the one before. */
  readonly at?: number;
  /** The registers behind the header, at offsets from the start of the capability. */
  rows(context: FunctionContext): RegisterRow[];
  /** Bits (of the dword at this offset from the start) that the reset at D3hot to D0 leaves alone, beside sticky ones. */
  readonly keptOverD3hot?: readonly { readonly offset: number; readonly mask: number }[];
  /** Dwords (offsets from the start) whose write mask depends on the state of the function. */
  readonly guarded?: readonly number[];
  /** Bits of `mask` that writing `value` to the guarded dword at `base + offset` may change now. */
  guard?(host: CapabilityHost, base: number, offset: number, mask: number, value: number): number;
  /** Derives the {@link DecodedState} that it is the source of, after writes and resets. */
  decode?(host: CapabilityHost, base: number): void;
  /** Acts on a write by software to the dword at `base + offset`; `written` holds the bytes written, within `lanes`. */
  written?(
    host: CapabilityHost,
    base: number,
    offset: number,
    written: number,
    lanes: number,
    before: number,
  ): void;
}

/** A capability and where it lies. */
export interface PlacedCapability {
  readonly capability: Capability;
  readonly offset: number;
  /** Offset of the next one in its chain, 0 at the end. */
  readonly next: number;
}

/** First offset behind the header that a PCI-compatible capability can have. */
const PCI_START = 0x40;
const EXTENDED_START = 0x100;

/**
 * Places capabilities and links them, each chain in the order of the list.
 *
 * @throws RangeError if a capability lies outside its part of the space, or the first extended one is not at 100h.
 */
export function placeCapabilities(capabilities: readonly Capability[]): PlacedCapability[] {
  return [...placeChain(capabilities, false), ...placeChain(capabilities, true)];
}

function placeChain(all: readonly Capability[], extended: boolean): PlacedCapability[] {
  const chain = all.filter((capability) => capability.extended === extended);
  const start = extended ? EXTENDED_START : PCI_START;
  const limit = extended ? 0x1000 : 0x100;
  let free = start;
  const offsets = chain.map((capability, i) => {
    const offset = capability.at ?? free;
    const end = offset + capability.bytes;
    if (offset < start || end > limit || offset % 4 !== 0) {
      throw new RangeError(
        `capability ${capability.name} at 0x${offset.toString(16)} must be aligned to 4 and within 0x${start.toString(16)} to 0x${(limit - 1).toString(16)}`,
      );
    }
    if (extended && i === 0 && offset !== EXTENDED_START) {
      throw new RangeError(`the first extended capability must be at 0x100, got ${capability.name}`);
    }
    free = Math.ceil(end / 4) * 4;
    return offset;
  });
  return chain.map((capability, i) => ({ capability, offset: offsets[i], next: offsets[i + 1] ?? 0 }));
}

/** The header of a placed capability, as register row at its absolute offset. */
export function headerRow({ capability, offset, next }: PlacedCapability): RegisterRow {
  const { id, name, version = 1, extended } = capability;
  if (extended) {
    return {
      name: `${name} Extended Capability Header`,
      offset,
      access: 'RO',
      phrase: 'which extended capability this is, and the next one',
      section: 'PCIe 3.0 7.9.3',
      fields: [
        bits('Capability ID', 0, 16, 'RO', 'kind of capability', { reset: id }),
        bits('Capability Version', 16, 4, 'RO', 'version of its layout', { reset: version }),
        bits('Next Capability Offset', 20, 12, 'RO', 'offset of the next one, 0 at the end', { reset: next }),
      ],
    };
  }
  return {
    name: `${name} Capability Header`,
    offset,
    bytes: 2,
    access: 'RO',
    phrase: 'which capability this is, and the next one',
    section: 'PCI 3.0 6.7',
    fields: [
      bits('Capability ID', 0, 8, 'RO', 'kind of capability', { reset: id }),
      bits('Next Pointer', 8, 8, 'RO', 'offset of the next one, 0 at the end', { reset: next }),
    ],
  };
}
