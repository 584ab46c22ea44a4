import { NotificationSettings } from "@/features/notifications/NotificationSettings";
import { useTitle } from "@/shared/useTitle";

export default function NotificationsPage() {
  useTitle("Notifications");
  return (
    <div className="page">
      <div className="page-head">
        <h1>Notifications</h1>
      </div>
      <NotificationSettings />
    </div>
  );
}
