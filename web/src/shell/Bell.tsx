import { ActionIcon, Button, Popover } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { IconBell } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Notice } from "@/api/client";
import { noticesQuery, readAll, readNotice, unreadQuery } from "@/api/queries/notifications";
import { useFormats } from "@/i18n/hooks";
import { sayError } from "@/ui/say";
import { Empty, Shown } from "@/ui/States";

/** Where a notice leads inside the application. */
export function pathOfNotice(notice: Notice): string | undefined {
  if (notice.object === "account" && notice.object_id) return `/accounts/${notice.object_id}`;
  if (notice.object === "duplicate_set") return "/duplicates";
  if (notice.object === "lead") return "/leads";
  if (notice.object === "contact") return "/contacts";
  return notice.object ? "/" : undefined;
}

export function Bell() {
  const { t } = useTranslation();
  const [isOpen, setOpen] = useState(false);
  const unread = useQuery(unreadQuery).data ?? 0;
  return (
    <Popover opened={isOpen} onChange={setOpen} position="bottom-end" width={340} trapFocus>
      <Popover.Target>
        <ActionIcon size={34} aria-label={t("bell.label", { count: unread })} aria-expanded={isOpen} onClick={() => setOpen(!isOpen)} style={{ position: "relative", overflow: "visible" }}>
          <IconBell size={19} stroke={1.6} aria-hidden />
          {unread > 0 && <span className="bell-dot num">{unread > 99 ? "99+" : unread}</span>}
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown p={0} aria-label={t("bell.title")}>
        <Notices onClose={() => setOpen(false)} />
      </Popover.Dropdown>
    </Popover>
  );
}

function Notices({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const asked = useQuery(noticesQuery);
  const { open, all } = useReading(onClose);
  return (
    <>
      <div className="card-head">
        <h2>{t("bell.title")}</h2>
        <Button variant="subtle" onClick={() => void all()}>
          {t("bell.read_all")}
        </Button>
      </div>
      <div className="notices">
        <Shown of={asked}>
          {({ items }) =>
            items.length ? items.map((notice) => <Line key={notice.id} notice={notice} onOpen={() => void open(notice)} />) : <Empty title={t("bell.empty")} />
          }
        </Shown>
      </div>
    </>
  );
}

function Line({ notice, onOpen }: { notice: Notice; onOpen: () => void }) {
  const formats = useFormats();
  return (
    <button type="button" className="plain" data-unread={!notice.is_read} onClick={onOpen}>
      <strong>{notice.title}</strong>
      <div className="quiet">{notice.body}</div>
      <div className="quiet" style={{ fontSize: 12 }}>
        {formats.ago(notice.created_at)}
      </div>
    </button>
  );
}

function useReading(onClose: () => void) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const refresh = () => client.invalidateQueries({ queryKey: ["notifications"] });
  const open = async (notice: Notice) => {
    const path = pathOfNotice(notice);
    onClose();
    if (path) await navigate({ to: path });
    if (!notice.is_read) await readNotice(notice.id).then(refresh, sayError);
  };
  const all = () => readAll().then(refresh, sayError);
  return { open, all };
}
