"""Words for what the audit trail records: acts, subjects, fields. Unknown ones show as they are."""

from __future__ import annotations

from app.kernel.errors import N_

ACTS: dict[str, str] = {
    "identity:sign-in": N_("登录"),
    "identity:sign-in-failed": N_("登录失败"),
    "identity:sign-out": N_("退出登录"),
    "identity:revoke-sign-in": N_("让一台设备退出"),
    "identity:revoke-other-sign-ins": N_("让其他设备退出"),
    "identity:register": N_("注册账号"),
    "identity:invite": N_("开立账号"),
    "identity:edit-profile": N_("修改个人资料"),
    "identity:change-password": N_("修改密码"),
    "identity:issue-password-link": N_("签发设置密码链接"),
    "identity:set-password-by-link": N_("凭链接设置密码"),
    "identity:disable": N_("停用账号"),
    "identity:enable": N_("恢复账号"),
    "identity:set-up-second-factor": N_("开启两步验证"),
    "identity:second-factor-failed": N_("验证码错误"),
    "identity:use-recovery-code": N_("使用恢复码"),
    "identity:renew-recovery-codes": N_("更换恢复码"),
    "identity:turn-off-second-factor": N_("关闭两步验证"),
    "identity:reset-second-factor": N_("重置两步验证"),
    "identity:create-token": N_("创建接口令牌"),
    "identity:revoke-token": N_("撤销接口令牌"),
    "identity:grant-role": N_("授予角色"),
    "identity:end-role": N_("收回角色"),
    "identity:bind-unit": N_("绑定房屋"),
    "identity:end-binding": N_("解除绑定"),
    "identity:invite-family": N_("邀请家人绑定"),
    "identity:renew-binding-code": N_("更换绑定码"),
}

SUBJECTS: dict[str, str] = {
    "account": N_("账号"),
    "membership": N_("角色"),
    "unit": N_("房屋"),
    "api-token": N_("接口令牌"),
}

FIELDS: dict[str, str] = {
    "account": N_("账号"),
    "name": N_("姓名"),
    "role": N_("角色"),
    "place": N_("范围"),
    "starts_on": N_("开始"),
    "ends_on": N_("结束（不含）"),
    "binding": N_("绑定"),
    "by": N_("方式"),
    "left": N_("剩余"),
    "actions": N_("权限"),
    "communities": N_("小区"),
    "days": N_("天数"),
}

VIAS: dict[str, str] = {
    "web": N_("网页"),
    "api": N_("接口"),
    "job": N_("后台任务"),
    "command": N_("命令行"),
    "system": N_("系统"),
}
