/** Capability IDs of the PCI-compatible chain (PCI 3.0 appendix H, PCI Express specifications). */
export const CAP_POWER_MANAGEMENT = 0x01;
export const CAP_VPD = 0x03;
export const CAP_MSI = 0x05;
export const CAP_PCI_EXPRESS = 0x10;
export const CAP_MSIX = 0x11;

/** Capability IDs of the extended chain. */
export const ECAP_AER = 0x0001;
export const ECAP_DEVICE_SERIAL_NUMBER = 0x0003;
export const ECAP_ARI = 0x000e;
export const ECAP_SRIOV = 0x0010;
