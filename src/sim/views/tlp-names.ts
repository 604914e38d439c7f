import { receiveQueueAt, transmitQueueAt, vfReceiveQueueAt, vfTransmitQueueAt } from '../../nic/index.ts';
import {
  ECAP_SRIOV,
  endpointLayout,
  type FunctionContext,
  type FunctionProfile,
  type SriovCapability,
} from '../../pcie/index.ts';
import { intel82599 } from '../../profiles/index.ts';
import type { RegisterRow } from '../../registers/index.ts';
import type { BinaryLog, TlpRegisterNames } from '../../trace/index.ts';
import { NIC_PROFILE_NAMES } from '../scenario-profiles.ts';
import type { ResolvedScenario } from '../scenario-resolved.ts';
import { RECEIVE_REGISTERS, registerNames, TRANSMIT_REGISTERS } from './register-names.ts';

const CONTEXT: FunctionContext = {
  virtual: false,
  number: 0,
  nextFunction: 0,
  multiFunction: false,
  lowest: true,
};
/** An entry of an MSI-X table, word by word (PCI 3.0 6.8.2.6), and where the Pending Bit Array begins on the card. */
const MSIX_WORDS = ['Message Address', 'Message Upper Address', 'Message Data', 'Vector Control'];
const MSIX_ENTRY_BYTES = 16;
const PENDING_BITS = 0x2000;
/** BAR of the MSI-X table of the PF, and of a VF. */
const PF_MSIX_BAR = 4;
const VF_MSIX_BAR = 3;

/**
 * What the registers of a log's card are called in its data sheet and in the specifications; undefined for a card that is no
 * profile of ours, whose registers nobody knows.
 */
export function tlpNames({ header }: BinaryLog): TlpRegisterNames | undefined {
  const { nic } = header.scenario as Partial<ResolvedScenario>;
  // The other profiles have the 82599's registers.
  if (nic === undefined || header.store === null || !NIC_PROFILE_NAMES.includes(nic.profile))
    return undefined;
  return new ProfileNames(header.store.pools * header.store.queuesPerPool, header.store.queuesPerPool);
}

/** Names from the tables of the profile. */
class ProfileNames implements TlpRegisterNames {
  private readonly queues: number;
  private readonly vfQueues: number;
  private readonly pfRegisters = registerNames('PF');
  private readonly vfRegisters = registerNames('VF');
  private readonly pfConfig = configRows(false);
  private readonly vfConfig = configRows(true);

  /** @param queues of the card. @param vfQueues of each VF. */
  constructor(queues: number, vfQueues: number) {
    this.queues = queues;
    this.vfQueues = vfQueues;
  }

  register(virtual: boolean, bar: number, offset: number): string | null {
    if (bar === (virtual ? VF_MSIX_BAR : PF_MSIX_BAR)) return msixName(offset);
    if (bar !== 0) return null;
    return this.queueRegister(virtual, offset) ?? this.plainRegister(virtual, offset);
  }

  config(virtual: boolean, offset: number, bytes: number): string | null {
    const rows = (virtual ? this.vfConfig : this.pfConfig).filter(
      (row) => row.offset < offset + bytes && row.offset + (row.bytes ?? 4) > offset,
    );
    return rows.length === 0 ? null : rows.map(({ name }) => name).join(', ');
  }

  private plainRegister(virtual: boolean, offset: number): string | null {
    return (virtual ? this.vfRegisters : this.pfRegisters).get(offset - (offset % 4)) ?? null;
  }

  private queueRegister(virtual: boolean, offset: number): string | null {
    const register = offset & 0x3c;
    const received = virtual ? vfReceiveQueueAt(offset) : receiveQueueAt(offset);
    const sent = virtual ? vfTransmitQueueAt(offset) : transmitQueueAt(offset, this.queues);
    const queue = received >= 0 ? received : sent;
    if (queue < 0 || queue >= (virtual ? this.vfQueues : this.queues)) return null;
    const name = (received >= 0 ? RECEIVE_REGISTERS : TRANSMIT_REGISTERS)[register];
    // 82599 data sheet 8.3: a VF's have a prefix.
    return name === undefined ? null : `${virtual ? 'VF' : ''}${name}[${queue}]`;
  }
}

/** A word of the MSI-X table, or of the Pending Bit Array. */
function msixName(offset: number): string {
  if (offset >= PENDING_BITS) return `MSI-X PBA[${(offset - PENDING_BITS) >> 2}]`;
  const entry = Math.floor(offset / MSIX_ENTRY_BYTES);
  return `MSI-X Table[${entry}] ${MSIX_WORDS[(offset % MSIX_ENTRY_BYTES) >> 2]}`;
}

/** The registers of the configuration space of the PF or of a VF, by their offsets. */
function configRows(virtual: boolean): readonly RegisterRow[] {
  const [pf] = intel82599.functions;
  const profile = virtual ? virtualFunctionOf(pf) : pf;
  const { rows } = endpointLayout(profile, { ...CONTEXT, virtual }).table;
  return rows
    .map((row) => ({ ...row, name: row.name.replace(/^(\S+) (?=\1 )/, '') }))
    .sort((a, b) => a.offset - b.offset);
}

/** The profile that all VFs of a PF have (SR-IOV 1.1 3.4). */
function virtualFunctionOf(pf: FunctionProfile): FunctionProfile {
  const isSriov = (capability: {
    readonly id: number;
    readonly extended: boolean;
  }): capability is SriovCapability => capability.extended && capability.id === ECAP_SRIOV;
  const { vf, vfBars } = (pf.capabilities.find(isSriov) as SriovCapability).options;
  const identity = { ...pf.identity, ...vf.identity };
  return { title: vf.title, identity, bars: vfBars, capabilities: vf.capabilities };
}
