export default function ClusterPage() { return null; }
