import type { NicProfile } from '../../src/nic/index.ts';
import { DROP_REASONS, tagOperation, targetPort } from '../../src/nicswitch/index.ts';
import { intel82599 } from '../../src/profiles/index.ts';
import { buildTestFrame, macHighWord, macLowWord } from '../../src/wire/index.ts';
import { Card } from './card.ts';

export const [CTRL_EXT, DMATXCTL, EXVET] = [0x18, 0x4a80, 0x5078];
export const [EXTENDED_VLAN, GDV] = [1 << 26, 1 << 3];
export const [FCTRL, VLNCTRL, MCSTCTRL] = [0x5080, 0x5088, 0x5090];
export const [PFVTCTL, PFVMTXSW, PFVFRE, PFVFTE] = [0x51b0, 0x5180, 0x51e0, 0x8110];
export const [PFVMVIR, PFVFSPOOF, PFDTXGSWC, SSVPC] = [0x8000, 0x8200, 0x8220, 0x8780];
export const [VFTA, RAL, RAH, MPSAR] = [0xa000, 0xa200, 0xa204, 0xa600];
export const [PFVML2FLT, PFVLVF, PFVLVFB, PFUTA, MTA] = [0xf000, 0xf100, 0xf200, 0xf400, 0x5200];
export const [PFMRCTL, PFMRVLAN, PFMRVM] = [0xf600, 0xf610, 0xf630];

export const AV = 0x8000_0000;
export const VIEN = 0x8000_0000;
export const VFE = 1 << 30;
export const [VT_EN, DIS_DEF_POOL, RPL_EN] = [1, 1 << 29, 1 << 30];
export const [AUPE, ROMPE, ROPE, BAM, MPE] = [1 << 24, 1 << 25, 1 << 26, 1 << 27, 1 << 28];
export const [VPME, UPME, DPME, VLME] = [1, 2, 4, 8];
export const WIRE = 64;
export const BROADCAST = 0xffffffffffff;
export const GROUP = 0x01005e000001;
export const STRANGER = 0x02ffffff1230;

export const mac = (pool: number) => 0x020000000100 + pool;

/** A card with pools 0 to 3 and pool 40 that send and receive, each with its address, and the VLAN filter on. */
export class Pools extends Card {
  static readonly NUMBERS = [0, 1, 2, 3, 40];

  constructor(profile: NicProfile = intel82599) {
    super(10, profile);
    this.write(PFVTCTL, VT_EN | RPL_EN | DIS_DEF_POOL);
    this.write(PFDTXGSWC, 1);
    this.write(VLNCTRL, VFE | 0x8100);
    this.write(PFVFRE, 0xf);
    this.write(PFVFTE, 0xf);
    this.write(PFVFRE + 4, 1 << 8);
    this.write(PFVFTE + 4, 1 << 8);
    for (const [i, pool] of Pools.NUMBERS.entries()) {
      this.address(i, mac(pool), pool);
      this.write(PFVML2FLT + 4 * pool, AUPE | BAM);
    }
  }

  // By the BAR, where other parts of the card may stand in front of its own registers.
  override read(offset: number): number {
    return this.nic.pf.bar(0).read32(offset, 4) >>> 0;
  }

  override write(offset: number, value: number): void {
    this.nic.pf.bar(0).write32(offset, value >>> 0, 15);
  }

  address(i: number, address: number, pool: number): void {
    this.write(RAL + 8 * i, macLowWord(address) >>> 0);
    this.write(RAH + 8 * i, macHighWord(address) + AV);
    this.write(MPSAR + 8 * i + 4 * (pool >> 5), 1 << (pool & 31));
  }

  /** Makes pools members of a VLAN by filter `i`, and admits it. */
  vlan(i: number, vlan: number, pools: number): void {
    this.write(PFVLVF + 4 * i, VIEN + vlan);
    this.write(PFVLVFB + 8 * i, pools);
    const table = VFTA + 4 * (vlan >> 5);
    this.write(table, this.read(table) | (1 << (vlan & 31)));
  }

  /** What is done to the tags of a frame on its way to its first receiver. */
  operation(ingress: number, to: number, vlan = -1): number {
    this.send(ingress, to, vlan);
    return tagOperation(this.nic.data.switch.targets[0]);
  }

  /** Who receives a frame: pools, the wire, or why nobody; `tag` marks what is done to tags. */
  send(ingress: number, to: number, vlan = -1, from = ingress === WIRE ? STRANGER : mac(ingress)): string {
    const { frames, switch: nicSwitch } = this.nic.data;
    const slot = frames.take();
    frames.lengths[slot] = buildTestFrame(
      {
        destination: to,
        source: from,
        flow: 0,
        frameBytes: 64,
        ...(vlan >= 0 ? { vlan: { id: vlan } } : {}),
      },
      frames.u8,
      frames.offsetOf(slot),
    );
    const { data } = this.nic;
    data.beforeSwitch?.();
    data.beforeSwitch = null;
    const count = nicSwitch.route(slot, ingress);
    const names: string[] = [];
    for (const target of nicSwitch.targets.subarray(0, count)) {
      frames.release(slot);
      const port = targetPort(target);
      names.push(`${port === WIRE ? 'wire' : port}${['', '-', '+'][tagOperation(target)]}`);
    }
    nicSwitch.checkBalance();
    return count === 0 ? DROP_REASONS[nicSwitch.lastDrop] : names.join(' ');
  }

  /** Frames that each port has been given, pools by number and the wire, those with none left out. */
  given(): Record<string, number> {
    const { switch: nicSwitch } = this.nic.data;
    const counts: Record<string, number> = {};
    for (let port = 0; port <= WIRE; port++) {
      const { framesOut } = nicSwitch.portCounters(port);
      if (framesOut > 0) counts[port === WIRE ? 'wire' : port] = framesOut;
    }
    return counts;
  }
}
