//! Whether a session ended as it should.

use super::walk::{Action, End};

/// What the end means for who wanted this action. `pressed`: whether it was done at the sign-in, by this
/// program or a person. `unread`: whether `inspect` cannot be expected to read the result.
///
/// # Errors
/// What is wrong with the end.
pub(super) fn verdict(
    action: Action,
    end: &End,
    pressed: bool,
    unread: bool,
) -> Result<&'static str, &'static str> {
    match (action, end) {
        (_, End::Unreadable) if !unread => Err("a result arrived that `inspect` should be able to read"),
        (_, End::Person(_)) => Err("a person has to go on"),
        (Action::Confirm, End::Arrived) => Ok("the communication side took over"),
        (Action::Confirm, End::Delivered) => {
            Ok("the result was delivered, and the communication side took over")
        }
        (Action::Confirm, End::Call) => Ok("the citizen can call"),
        (Action::Confirm, End::Received) => Ok("the result arrived at `inspect`, and was verified"),
        (Action::Confirm, End::Unreadable) => Ok("a result arrived, which only the plugin's own key opens"),
        (Action::Confirm, End::Failed) => Err("the sign-in failed"),
        (Action::Confirm, End::Nothing) => Err("no result arrived"),
        (Action::Confirm, End::Cancelled) => Err("the sign-in was cancelled"),
        (Action::Cancel | Action::Fail, End::Received) | (Action::Cancel, End::Delivered) => {
            Err("the sign-in succeeded all the same")
        }
        (Action::Cancel, End::Cancelled) => Ok("the citizen was told that they did not sign in"),
        (Action::Fail, End::Cancelled) => Err("the sign-in was cancelled, and did not fail"),
        (Action::Fail, End::Failed) => Ok("the sign-in failed"),
        (Action::Fail, End::Nothing) => Err("no result arrived, not even one that says so"),
        (Action::Fail, End::Delivered) if !unread => Err("the sign-in succeeded all the same"),
        (Action::Fail, End::Delivered) => {
            Ok("a result was delivered; what it says only the communication side knows")
        }
        (Action::Cancel, End::Nothing) => Ok("the communication side got no result"),
        (Action::Cancel, End::Failed) => Err("the sign-in failed, and was not cancelled"),
        (Action::Cancel | Action::Fail, End::Arrived | End::Call | End::Unreadable) if pressed => {
            Ok("the citizen went on; what became of the sign-in only the communication side knows")
        }
        (Action::Cancel | Action::Fail, End::Arrived | End::Call | End::Unreadable) => {
            Err("the plugin signed in by itself, with no page to do otherwise")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_action_has_its_own_good_ends() {
        let good = |action, end: &End| verdict(action, end, true, false).is_ok();
        let ends = [
            (End::Arrived, [true, true, true]),
            (End::Delivered, [true, false, false]),
            (End::Call, [true, true, true]),
            (End::Received, [true, false, false]),
            (End::Failed, [false, false, true]),
            (End::Nothing, [false, true, false]),
            (End::Cancelled, [false, true, false]),
            (End::Unreadable, [false, false, false]),
        ];
        for (end, expected) in ends {
            let found = [Action::Confirm, Action::Cancel, Action::Fail].map(|action| good(action, &end));
            assert_eq!(found, expected, "{end:?}");
        }
    }

    #[test]
    fn what_passes_unread_cannot_be_read() {
        assert!(verdict(Action::Confirm, &End::Unreadable, false, true).is_ok());
        assert!(verdict(Action::Confirm, &End::Unreadable, false, false).is_err());
    }

    #[test]
    fn nobody_cancelled_where_nothing_was_pressed() {
        assert!(verdict(Action::Cancel, &End::Arrived, false, false).is_err());
        assert!(verdict(Action::Fail, &End::Arrived, false, false).is_err());
    }
}
