import { ACS_CAPABILITY, AcsService, acsRows } from './acs.ts';
import { aerRows } from './aer.ts';
import { ari } from './ari.ts';
import { atsRows } from './ats.ts';
import { deviceSerialNumber } from './device-serial-number.ts';
import * as id from './ids.ts';
import type { KnownCapability, ReadDump } from './known-capability.ts';
import { ltrRows } from './ltr.ts';
import { MSI_CONTROL, msiRows } from './msi.ts';
import { MSIX_CONTROL, MSIX_PBA, MSIX_TABLE, msixRows } from './msix.ts';
import { PASID_CAPABILITY, pasidRows } from './pasid.ts';
import { pciExpressRows } from './pci-express-rows.ts';
import { lanesOf64, physicalLayer64Rows } from './physical-layer-64.ts';
import { powerManagement } from './power-management.ts';
import { priRows } from './pri.ts';
import { OTHER_EXTENDED, OTHER_PCI } from './read-only-known.ts';
import { LANE_EQUALIZATION, secondaryPciExpressRows } from './secondary-pci-express.ts';
import { SRIOV_SUPPORTED_PAGE_SIZES, sriovRows } from './sriov.ts';
import { TPH_CAPABILITY, tphRows } from './tph.ts';
import { vpd } from './vpd.ts';

const PCI: ReadonlyMap<number, KnownCapability> = new Map<number, KnownCapability>([
  [
    id.CAP_POWER_MANAGEMENT,
    { name: 'PM', rows: (_read, context) => powerManagement({ capabilities: 0 }).rows(context) },
  ],
  [id.CAP_VPD, { name: 'VPD', rows: (_read, context) => vpd().rows(context) }],
  [
    id.CAP_MSI,
    {
      name: 'MSI',
      rows(read) {
        const control = read(MSI_CONTROL, 2);
        const vectors = 1 << Math.min((control >> 1) & 7, 5);
        return msiRows(vectors, (control & 0x80) !== 0, (control & 0x100) !== 0);
      },
    },
  ],
  [
    id.CAP_MSIX,
    {
      name: 'MSI-X',
      rows: (read) =>
        msixRows({
          vectors: (read(MSIX_CONTROL, 2) & 0x7ff) + 1,
          tableBar: read(MSIX_TABLE, 4) & 7,
          tableOffset: 0,
          pbaBar: read(MSIX_PBA, 4) & 7,
          pbaOffset: 0,
        }),
    },
  ],
  [
    id.CAP_PCI_EXPRESS,
    {
      name: 'PCIe',
      rows(read, context) {
        const capabilities = read(2, 2);
        return pciExpressRows(
          {
            version: capabilities & 15,
            portType: (capabilities >> 4) & 15,
            slot: (capabilities & 0x100) !== 0,
            flitMode: (capabilities & 0x8000) !== 0,
            deviceCapabilities: read(4, 4),
            linkCapabilities: 0,
          },
          context,
        );
      },
    },
  ],
]);

const EXTENDED: ReadonlyMap<number, KnownCapability> = new Map<number, KnownCapability>([
  [id.ECAP_AER, { name: 'AER', rows: (_read, context, root) => aerRows({ acs: true, root }, context) }],
  [
    id.ECAP_DEVICE_SERIAL_NUMBER,
    {
      name: 'DSN',
      rows: (_read, context) => deviceSerialNumber({ serial: '00-00-00-00-00-00-00-00' }).rows(context),
    },
  ],
  [
    id.ECAP_ACS,
    {
      name: 'ACS',
      rows(read) {
        const capability = read(ACS_CAPABILITY, 2);
        const hasVector = (capability & AcsService.egressControl) !== 0;
        return acsRows(capability & 0x7f, hasVector ? capability >> 8 || 256 : 0);
      },
    },
  ],
  [
    id.ECAP_PHYSICAL_LAYER_64,
    { name: 'Physical Layer 64.0 GT/s', rows: (read) => physicalLayer64Rows(lanesOf64(read)) },
  ],
  [id.ECAP_ARI, { name: 'ARI', rows: (_read, context) => ari().rows(context) }],
  [
    id.ECAP_SRIOV,
    {
      name: 'SR-IOV',
      rows(read, context) {
        const rows = sriovRows(
          {
            totalVfs: 1,
            vfDeviceId: 0,
            supportedPageSizes: read(SRIOV_SUPPORTED_PAGE_SIZES, 4),
            vfBars: [],
            routing: { ari: { firstVfOffset: 0, vfStride: 0 }, other: { firstVfOffset: 0, vfStride: 0 } },
            vf: { title: '', capabilities: [] },
          },
          context,
        );
        for (let i = 0; i < 6; i++) {
          if (read(0x24 + 4 * i, 4) === 0) continue;
          rows.push({
            name: `VF BAR${i}`,
            offset: 0x24 + 4 * i,
            access: 'RW',
            phrase: 'base address of the VFs',
            section: 'SR-IOV 1.1 3.3.14',
          });
        }
        return rows;
      },
    },
  ],
  [id.ECAP_ATS, { name: 'ATS', rows: (_read, context) => atsRows({}, context) }],
  [id.ECAP_PRI, { name: 'PRI', rows: () => priRows({ capacity: 1 }) }],
  [id.ECAP_TPH, { name: 'TPH', rows: (read) => tphRows(read(TPH_CAPABILITY, 4)) }],
  [id.ECAP_LTR, { name: 'LTR', rows: ltrRows }],
  [id.ECAP_PASID, { name: 'PASID', rows: (read) => pasidRows(read(PASID_CAPABILITY, 2)) }],
  [
    id.ECAP_SECONDARY_PCI_EXPRESS,
    { name: 'Secondary PCIe', rows: (read) => secondaryPciExpressRows(lanesIn(read)) },
  ],
]);

/** Lanes of a Secondary PCI Express capability, which does not say how many it has: as many powers of two as have presets. */
function lanesIn(read: ReadDump): number {
  let lanes = 1;
  while (lanes < 16 && read(LANE_EQUALIZATION + 2 * lanes, 2) !== 0) lanes *= 2;
  return lanes;
}

/** The capability with this ID, if its registers are known. */
export function knownCapability(capabilityId: number, extended: boolean): KnownCapability | undefined {
  return extended
    ? (EXTENDED.get(capabilityId) ?? OTHER_EXTENDED.get(capabilityId))
    : (PCI.get(capabilityId) ?? OTHER_PCI.get(capabilityId));
}
