import { checkBoolean, checkInteger, checkKeys, checkOneOf } from '../base/index.ts';
import { PipelinedPort } from '../dma/index.ts';
import type { Probe } from '../kernel/index.ts';
import {
  ChipInterrupts,
  CountingProbe,
  extendByChip,
  type Nic,
  type NicProfile,
  type PhyRegisters,
  useOffloads,
  useTransmitReports,
} from '../nic/index.ts';
import { parseMac } from '../wire/index.ts';
import { intel82599 } from './intel-82599.ts';
import { INTEL_82599_CHIP_REGISTERS, INTEL_82599_VF_CHIP_REGISTERS } from './intel-82599-chip-registers.ts';
import { intel82599Config } from './intel-82599-config.ts';
import { checkSfpModule, checkText, SFP_10GBASE_SR, type SfpModule, sfpMemory } from './sfp-module.ts';

/** What of a card with an 82599 may differ; everything has a default. */
export interface Intel82599ChipOptions {
  /** Kind of the port: a cage for SFP+ modules, or a backplane with KX4, KX and KR. Default `sfp`. */
  readonly port?: 'sfp' | 'kx4';
  /** The module in the cage, null for none. Default: optics for 10GBASE-SR. */
  readonly module?: SfpModule | null;
  /** Address in the EEPROM. Default `90:e2:ba:00:00:01`. */
  readonly mac?: string;
  /** Number of the printed board assembly: 1 to 64 characters of ASCII. Default `E66560-002`. */
  readonly pba?: string;
  /** PHYs at the management interface, by address (0 to 31), with registers of 16 bits. Default none. */
  readonly phys?: Readonly<Record<number, PhyRegisters>>;
  /** Whether an access to a register that is not known throws, instead of being counted. Default false. */
  readonly strict?: boolean;
}

const KEYS: Readonly<Record<keyof Intel82599ChipOptions, true>> = {
  port: true,
  module: true,
  mac: true,
  pba: true,
  phys: true,
  strict: true,
};

/** Device IDs and settings of the link by the kind of port (82599 data sheet 8.2.3.22.19, 8.2.3.22.22). */
const PORTS = {
  // 10 Gb/s serial; SFI.
  sfp: { deviceId: 0x10fb, autoc: 0xc09c_6004 | 0, autoc2: 2 << 16 },
  // KX4, KX and KR by autonegotiation; KX4 and KX.
  kx4: { deviceId: 0x10f7, autoc: 0xc09d_8284 | 0, autoc2: 0 },
} as const;

/** Bytes of the longest frame. */
const LONGEST_FRAME = 15_872;
/**
 * Estimate: ps that the DMA engine takes for descriptors and frames that it has read, until it goes on. A frame is read after its
 * descriptor. Fitted: without it a polling driver forwards in 2.55 us, with it in the middle of 3.5 to 4.5 us; how the chip divides
 * that time is not known.
 */
export const INTEL_82599_DMA_READ_PS = 650_000;
/** Device Capabilities of the EEPROM: no workaround for crosstalk is needed. */
const NO_CROSSTALK = 1 << 7;
/** Kinds of modules that drivers look up in the EEPROM: direct attach, and optics. */
const DIRECT_ATTACH = 3;
const OPTICS = 5;

/**
 * An Intel 82599 as software of others meets it that initialises one: with reset and what survives it, an EEPROM, semaphores,
 * an SFP+ module, a link that takes its time, offloads (`useOffloads`), reports of what is sent in batches and by head (`useTransmitReports`), and
 * all registers that are not known by name in the report.
 * Its data path and timing are those of {@link intel82599}, but for the time that its DMA engine takes with what it has read.
 *
 * @throws TypeError or RangeError if an option is none that there is, or none of those it may be.
 * @example
 * const machine = createMachine({ nic: intel82599Chip({ strict: true }) });
 * machine.nic.pf.bar(0).read32(0x10010, 4); // EEC
 */
export function intel82599Chip(options: Intel82599ChipOptions = {}): NicProfile {
  checkKeys<Intel82599ChipOptions>('options', options, KEYS);
  const { pba = 'E66560-002', phys = {}, strict = false } = options;
  checkBoolean('strict', strict);
  checkText('pba', pba, 1, 64);
  checkPhys(phys);
  const port = checkOneOf('port', options.port ?? 'sfp', ['sfp', 'kx4'] as const);
  const { deviceId, autoc, autoc2 } = PORTS[port];
  const address = parseMac(options.mac ?? '90:e2:ba:00:00:01');
  const mac = [5, 4, 3, 2, 1, 0].map((i) => Math.floor(address / 2 ** (8 * i)) % 256);
  const module = options.module === undefined ? SFP_10GBASE_SR : options.module;
  if (module !== null) checkSfpModule(module);
  const chip = extendByChip({
    registers: INTEL_82599_CHIP_REGISTERS,
    vfRegisters: INTEL_82599_VF_CHIP_REGISTERS,
    eeprom: {
      mac,
      pba,
      capabilities: NO_CROSSTALK,
      firmwarePatch: 6,
      modules: { [DIRECT_ATTACH]: [0x0b24], [OPTICS]: [0x0b26] },
    },
    autoc,
    autoc2,
    hasCage: port === 'sfp',
    module: port === 'sfp' && module !== null ? sfpMemory(module) : null,
    phys,
    strict,
  });
  return Object.freeze({
    ...intel82599,
    // Data sheet 8.2.3.22.13: 15.5 KB with check sequence, of which the card may keep it.
    maxFrameBytes: LONGEST_FRAME,
    functions: intel82599Config({ ports: 1, deviceId }),
    makePort: (name, scheduler, requester) =>
      new PipelinedPort(name, scheduler, requester, INTEL_82599_DMA_READ_PS),
    interrupts: ChipInterrupts,
    makeProbe: (outer: Probe) => new CountingProbe(outer),
    extend: (card, scheduler) => {
      chip(card, scheduler);
      // What is extended is a whole card.
      useOffloads(card as Nic);
      useTransmitReports(card as Nic, scheduler);
    },
  } satisfies NicProfile);
}

/** PHYs at addresses of five bits, with registers by device and address, five bits and sixteen (IEEE 802.3 clause 45). */
function checkPhys(phys: unknown): void {
  for (const [address, registers] of entriesOf('phys', phys, 31)) {
    const name = `phys[${address}]`;
    for (const [at, value] of entriesOf(name, registers, 0x1f_ffff))
      checkInteger(`${name}[${at}]`, value, 0, 0xffff);
  }
}

/** What is in an object by numbers from 0 to `max`. */
function entriesOf(name: string, value: unknown, max: number): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new TypeError(`${name} must be an object with keys from 0 to ${max}, got ${value}`);
  for (const key of Object.keys(value)) {
    if (!/^\d+$/.test(key) || Number(key) > max)
      throw new RangeError(`keys of ${name} must be integers from 0 to ${max}, got ${JSON.stringify(key)}`);
  }
  return Object.entries(value);
}
