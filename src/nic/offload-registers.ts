import type { BarTarget } from '../pcie/index.ts';
import { bit, bits, compileTable, RegisterFile, type RegisterTable } from '../registers/index.ts';
import { PF_RECEIVE } from './queue-offsets.ts';
import { SRRCTL } from './queue-registers.ts';
import { RECEIVE_FILTER_REGISTERS } from './receive-filter-registers.ts';

/**
 * Registers of an 82599's PF that steer what the card does to packets, in BAR 0; names, offsets and sections are the
 * datasheet's (Intel 82599 10 GbE Controller Datasheet). The resets of the flags' masks are those that drivers have found.
 */
export const INTEL_82599_OFFLOAD_REGISTERS: RegisterTable = {
  name: 'Intel 82599 PF, offloads',
  bytes: 0x20000,
  rows: [
    ...RECEIVE_FILTER_REGISTERS,
    {
      name: 'DTXTCPFLGL',
      offset: 0x4a88,
      access: 'RsvdP',
      phrase: 'TCP flags that segments keep',
      section: '8.2.3.9.3',
      fields: [
        bits('TCP_flg_first_seg', 0, 12, 'RW', 'the first', { reset: 0xff6 }),
        bits('TCP_flg_mid_seg', 16, 12, 'RW', 'those between', { reset: 0xff6 }),
      ],
    },
    {
      name: 'DTXTCPFLGH',
      offset: 0x4a8c,
      access: 'RsvdP',
      phrase: 'TCP flags that segments keep',
      section: '8.2.3.9.4',
      fields: [bits('TCP_Flg_lst_seg', 0, 12, 'RW', 'the last', { reset: 0xf7f })],
    },
    {
      name: 'RXCSUM',
      offset: 0x5000,
      access: 'RsvdP',
      phrase: 'receive checksum control',
      section: '8.2.3.7.5',
      fields: [
        bit('IPPCSE', 12, 'RW', 'checksum of IP payload'),
        bit('PCSD', 13, 'RW', 'the descriptor has the RSS hash, not the checksum of a fragment'),
      ],
    },
    {
      name: 'ETQF',
      offset: 0x5128,
      count: 8,
      step: 4,
      access: 'RsvdP',
      phrase: 'EtherTypes that are told apart',
      section: '8.2.3.7.21',
      fields: [
        bits('EType', 0, 16, 'RW', 'EtherType'),
        bits('UP', 16, 3, 'RW', 'user priority'),
        bit('UP Enable', 19, 'RW', 'the priority counts'),
        bits('Pool', 20, 6, 'RW', 'pool that gets the packet'),
        bit('Pool Enable', 26, 'RW', 'the pool counts'),
        bit('FCoE', 27, 'RW', 'packets are FCoE'),
        bit('1588 time stamp', 30, 'RW', 'packets get a time stamp'),
        bit('Filter Enable', 31, 'RW', 'valid'),
      ],
    },
    {
      name: 'PSRTYPE',
      offset: 0xea00,
      count: 64,
      step: 4,
      aliases: [{ offset: 0x5480, step: 4, count: 16 }],
      access: 'RW',
      phrase: 'packets that are split, and RSS, of each pool: RQPL 31:29',
      section: '8.2.3.7.4',
    },
    {
      name: 'RETA',
      offset: 0xeb00,
      count: 32,
      step: 4,
      aliases: [{ offset: 0x5c00, step: 4, count: 32 }],
      access: 'RW',
      phrase: 'queue of each RSS hash, four a word: 3:0, 11:8, 19:16, 27:24',
      section: '8.2.3.7.15',
    },
    {
      name: 'RSSRK',
      offset: 0xeb80,
      count: 10,
      step: 4,
      aliases: [{ offset: 0x5c80, step: 4, count: 10 }],
      access: 'RW',
      phrase: 'key of the RSS hash, its first byte lowest',
      section: '8.2.3.7.14',
    },
  ],
};

/** Places where drivers of the 82598 look for registers that an 82599 has elsewhere, too: offset, elements. */
const SRRCTL_ALIAS = 0x2100;
const SRRCTL_ALIASES = 16;
const MRQC_ALIAS = 0x5818;
const MRQC = 0xec80;
const QUEUE_SHIFT = 6;

/** Registers of a VF that this adds (82599 datasheet 8.3). */
const VFPSRTYPE = 0x300;
/** CTRL and VFCTRL, and their RST; LRST of CTRL. */
const CONTROL = 0;
const RST = 1 << 26;
const LRST = 1 << 3;

/** The PF's BAR 0: offload registers here, all others where they were. */
export class OffloadRegisters implements BarTarget {
  readonly file = new RegisterFile(compileTable(INTEL_82599_OFFLOAD_REGISTERS));
  /** What is reset with the registers. */
  readonly resets: { reset(): void }[] = [];
  private readonly others: BarTarget;

  constructor(others: BarTarget) {
    this.others = others;
  }

  read32(offset: number, bytes: number): number {
    return this.has(offset) ? this.file.read32(offset) : this.others.read32(olderPlaceOf(offset), bytes);
  }

  write32(offset: number, value: number, byteEnables: number): void {
    if (this.has(offset)) this.file.write32(offset, value, byteEnables);
    else this.others.write32(olderPlaceOf(offset), value, byteEnables);
    if (offset === CONTROL && (value & (RST | LRST)) !== 0) this.reset();
  }

  /** As after a reset of the device. */
  reset(): void {
    this.file.reset();
    for (const each of this.resets) each.reset();
  }

  private has(offset: number): boolean {
    const { slotAt } = this.file.compiled;
    const dword = offset >>> 2;
    return dword < slotAt.length && slotAt[dword] >= 0;
  }
}

/** A VF's BAR 0: its pool's PSRTYPE here, all others where they were. */
export class VfOffloadRegisters implements BarTarget {
  private readonly vf: number;
  private readonly pf: OffloadRegisters;
  private readonly others: BarTarget;

  constructor(vf: number, pf: OffloadRegisters, others: BarTarget) {
    this.vf = vf;
    this.pf = pf;
    this.others = others;
  }

  read32(offset: number, bytes: number): number {
    return offset === VFPSRTYPE ? this.pf.file.get('PSRTYPE', this.vf) : this.others.read32(offset, bytes);
  }

  write32(offset: number, value: number, byteEnables: number): void {
    if (offset === VFPSRTYPE) this.pf.file.set('PSRTYPE', value, this.vf);
    else this.others.write32(offset, value, byteEnables);
    if (offset === CONTROL && (value & RST) !== 0) this.reset();
  }

  /** As after a reset of the VF. */
  reset(): void {
    this.pf.file.set('PSRTYPE', 0, this.vf);
  }
}

/** Where the register is whose place in the 82598 `offset` is; `offset` itself, if it is none of these. */
export function olderPlaceOf(offset: number): number {
  if (offset === MRQC_ALIAS) return MRQC;
  const queue = (offset - SRRCTL_ALIAS) >> 2;
  return queue >= 0 && queue < SRRCTL_ALIASES ? PF_RECEIVE + (queue << QUEUE_SHIFT) + SRRCTL : offset;
}
