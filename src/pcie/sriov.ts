import { checkInteger } from '../base/index.ts';
import { type BarDefinition, barAddress } from './bar.ts';
import type { FunctionContext } from './capabilities/capability.ts';
import {
  ARI_CAPABLE_HIERARCHY,
  SRIOV_CONTROL,
  SRIOV_FIRST_VF_OFFSET,
  SRIOV_NUM_VFS,
  SRIOV_SYSTEM_PAGE_SIZE,
  SRIOV_VF_BAR0,
  SRIOV_VF_STRIDE,
  type SriovOptions,
  systemPageBytes,
  VF_ENABLE,
  VF_MEMORY_SPACE_ENABLE,
  type VfRouting,
} from './capabilities/sriov.ts';
import type { ConfigLayout } from './config-layout.ts';
import { endpointLayout } from './endpoint-layout.ts';
import { type FunctionProfile, PcieFunction, type VirtualFunctions } from './function.ts';
import type { RoutingId } from './routing-id.ts';

/** What one PF needs to know of the others of its device. */
export interface SriovNeighbours {
  /**
   * Whether ARI Capable Hierarchy is set. The bit is in the lowest-numbered PF and rules the whole device
   * (SR-IOV 1.1 3.3.3.5).
   */
  ariCapableHierarchy(): boolean;
  /** The bit changed in the lowest-numbered PF. */
  ariChanged(): void;
}

/**
 * The VFs of a PF, as its SR-IOV capability has them: how many exist, their Routing IDs and their memory.
 *
 * VFs appear when VF Enable is set and vanish when it is cleared. The specification gives a device up to 1 s
 * until they answer (SR-IOV 1.1 3.3.3.1); here they do at once. With NumVFs 0 or above TotalVFs, which it
 * leaves undefined (3.3.7), VF Enable brings no VFs. A VF is made when it is first asked for: many thousand
 * that nobody touches cost a number.
 */
export class SriovControl implements VirtualFunctions {
  readonly options: SriovOptions;
  enabled = false;
  count = 0;
  firstVfOffset = 0;
  vfStride = 0;
  /** The system page size in bytes. */
  pageBytes = 4096;
  onVfCreated: ((vf: PcieFunction) => void) | null = null;
  private readonly pf: PcieFunction;
  private readonly neighbours: SriovNeighbours;
  private readonly vfProfile: FunctionProfile;
  private readonly vfContext: FunctionContext;
  private readonly vfLayout: ConfigLayout;
  private vfs: (PcieFunction | undefined)[] = [];
  private ari = false;
  private memorySpaceEnable = false;
  /** Address of VF 0's share of each VF BAR. */
  private readonly bases = new Float64Array(6);
  private readonly bytes = new Float64Array(6);

  constructor(pf: PcieFunction, options: SriovOptions, neighbours: SriovNeighbours) {
    this.pf = pf;
    this.options = options;
    this.neighbours = neighbours;
    const { vf } = options;
    const identity = { ...pf.profile.identity, ...vf.identity };
    this.vfProfile = { title: vf.title, identity, bars: options.vfBars, capabilities: vf.capabilities };
    this.vfContext = { ...pf.context, virtual: true, nextFunction: 0, multiFunction: false };
    this.vfLayout = endpointLayout(this.vfProfile, this.vfContext);
  }

  get memoryEnabled(): boolean {
    return this.memorySpaceEnable && this.pf.powerState === 0;
  }

  get totalVfs(): number {
    return this.options.totalVfs;
  }

  get vfBars(): readonly BarDefinition[] {
    return this.options.vfBars;
  }

  /**
   * VF `index`, from 0.
   *
   * @throws RangeError if no such VF exists now.
   */
  vf(index: number): PcieFunction {
    const existing = this.vfs[index];
    if (existing !== undefined) return existing;
    if (this.count === 0) throw new RangeError(`${this.pf.name} has no VFs enabled, got VF ${index}`);
    checkInteger('VF', index, 0, this.count - 1);
    const vf = new PcieFunction({
      profile: this.vfProfile,
      layout: this.vfLayout,
      context: this.vfContext,
      routingId: this.routingIdOf(index),
      physical: this.pf,
      vfIndex: index,
    });
    this.vfs[index] = vf;
    this.onVfCreated?.(vf);
    return vf;
  }

  made(): PcieFunction[] {
    return this.vfs.filter((vf) => vf !== undefined);
  }

  /** The sum is taken in 16 bits, so that it carries into the bus number (SR-IOV 1.1 2.1.2). */
  routingIdOf(index: number): RoutingId {
    return (this.pf.routingId + this.firstVfOffset + this.vfStride * index) & 0xffff;
  }

  indexOf(routingId: RoutingId): number {
    const distance = (routingId - this.pf.routingId - this.firstVfOffset) & 0xffff;
    if (this.count <= 1 || this.vfStride === 0) return distance === 0 && this.count > 0 ? 0 : -1;
    const index = (distance / this.vfStride) | 0;
    return index < this.count && index * this.vfStride === distance ? index : -1;
  }

  /** Each VF has its share of the VF BAR, one behind the other (SR-IOV 1.1 3.3.14). */
  vfBarBase(bar: number, index: number): number {
    return this.bases[bar] + index * this.vfBarBytes(bar);
  }

  vfBarBytes(bar: number): number {
    const bytes = this.bytes[bar];
    if (!(bytes > 0)) throw new RangeError(`${this.pf.name} has no VF BAR ${bar}`);
    return bytes;
  }

  decode(base: number): void {
    const { config } = this.pf;
    const control = config.read16(base + SRIOV_CONTROL);
    const ari = (control & ARI_CAPABLE_HIERARCHY) !== 0;
    if (ari !== this.ari) {
      this.ari = ari;
      this.neighbours.ariChanged();
    }
    this.pageBytes = systemPageBytes(config.read32(base + SRIOV_SYSTEM_PAGE_SIZE), this.options);
    this.decodeBars(base);
    const numVfs = config.read16(base + SRIOV_NUM_VFS);
    const enable = (control & VF_ENABLE) !== 0;
    // VFs that exist keep their Routing IDs, even if a reset of the lowest-numbered PF clears ARI Capable
    // Hierarchy.
    if (!(enable && this.enabled)) this.number(base, numVfs);
    this.memorySpaceEnable = (control & VF_MEMORY_SPACE_ENABLE) !== 0;
    this.enable(enable, numVfs);
    this.pf.decodeListener?.decodeChanged();
  }

  renumber(): void {
    for (const vf of this.made()) vf.renumber(this.routingIdOf(vf.vfIndex));
  }

  /** First VF Offset and VF Stride change with ARI Capable Hierarchy and with NumVFs (SR-IOV 1.1 3.3.9, 3.3.10). */
  private number(base: number, numVfs: number): void {
    const { routing } = this.options;
    const ari = this.neighbours.ariCapableHierarchy();
    const rule =
      typeof routing === 'function'
        ? routing(ari, numVfs, this.pf.context.number)
        : ari
          ? routing.ari
          : routing.other;
    this.setNumbers(base, rule);
  }

  /** First VF Offset and VF Stride as the routing rule has them, or as a restore finds them that were fixed by VF Enable. */
  setNumbers(base: number, { firstVfOffset, vfStride }: VfRouting): void {
    this.firstVfOffset = firstVfOffset;
    this.vfStride = vfStride;
    this.pf.config.poke16(base + SRIOV_FIRST_VF_OFFSET, firstVfOffset);
    this.pf.config.poke16(base + SRIOV_VF_STRIDE, vfStride);
  }

  private decodeBars(base: number): void {
    const { config } = this.pf;
    for (const { index, kind, bytes } of this.options.vfBars) {
      const at = base + SRIOV_VF_BAR0 + 4 * index;
      this.bytes[index] = Math.max(bytes, this.pageBytes);
      // A larger page takes address bits away that were written before.
      const low = config.read32(at);
      if (this.pageBytes > bytes && (low & ~0xf & (this.pageBytes - 1)) !== 0) {
        config.poke32(at, (low & -this.pageBytes) | (low & 0xf));
      }
      this.bases[index] = barAddress(
        kind,
        config.read32(at),
        kind === 'memory64' ? config.read32(at + 4) : 0,
      );
    }
  }

  private enable(enabled: boolean, numVfs: number): void {
    if (enabled === this.enabled) return;
    this.enabled = enabled;
    if (enabled) {
      this.count = numVfs <= this.options.totalVfs ? numVfs : 0;
      this.pf.emit('vfsEnabled', this.count);
      return;
    }
    const made = this.made();
    this.count = 0;
    this.vfs = [];
    for (const vf of made) {
      vf.present = false;
      vf.busMaster = false;
    }
    this.pf.emit('vfsDisabled');
  }
}
